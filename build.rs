//! Lets the binary and the tests find a prebuilt DuckDB library at run time.

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    // libduckdb-sys 1.10505 emits the search path for the linker only; without the rpath the program does not start.
    if std::env::var_os("CARGO_FEATURE_BUNDLED").is_none()
        && let Some(dir) = std::env::var_os("DUCKDB_LIB_DIR")
    {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", dir.to_string_lossy());
    }
}
