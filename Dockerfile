# syntax=docker/dockerfile:1
# DuckDB is compiled into the binary (feature `bundled`), so the image does not need the DuckDB library.
# The first build takes over half an hour on two cores; later builds reuse the layer with the dependencies.

# What the program runs on: scripts/test-image.sh replaces it by a base made from Debian's packages.
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM rust:1.95-bookworm AS builder
WORKDIR /build
COPY Cargo.toml Cargo.lock build.rs ./
# Only the dependencies, with an empty program: this layer changes only when the manifests change.
RUN mkdir -p src tests/it \
    && echo 'fn main() {}' > src/main.rs && touch src/lib.rs tests/it/main.rs \
    && cargo build --profile dist --features bundled --locked --bin hitrate \
    && rm -rf src tests
COPY . .
# Cargo compares time stamps, so the copied sources must be newer than the empty program.
RUN find src -name '*.rs' -exec touch {} + \
    && cargo build --profile dist --features bundled --locked --bin hitrate

FROM ${RUNTIME_IMAGE} AS runtime
LABEL org.opencontainers.image.title="hitrate" \
      org.opencontainers.image.description="Cache hit rates, prices and router preferences of inference providers" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin hitrate \
    && install -d -o hitrate -g hitrate -m 0750 /data
COPY --from=builder /build/target/dist/hitrate /usr/local/bin/hitrate
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/hitrate/
# The root file system may be read-only: everything that hitrate writes is below /data.
ENV HITRATE_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["hitrate", "healthcheck"]
ENTRYPOINT ["hitrate"]
CMD ["serve", "--listen", "0.0.0.0:8080"]
