//! Files as `hitrate import file` reads them: each form, what is damaged, and the copies that a replay needs.

use crate::rig::{at, config, folder, store};
use flate2::Compression;
use flate2::write::GzEncoder;
use hitrate::domain::window::Basis;
use hitrate::imports::{Contents, FileForm, read_file};
use hitrate::pipeline::{DataDir, FileReport, ImportFile, PipelineError, forget_import, import_file};
use hitrate::store::ExportFormat;
use hitrate::upstream;
use std::fs;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

const DAYS: &str = "day,endpoint_id,model,variant,provider,provider_name,tag,hit_rate,basis,tokens,coverage,effective_input,\
effective_output,list_input,list_output,list_cache_read,list_cache_write,uptime,last_reading_at\n";
const SUMMARIES: &str = "sweep_started_at,permaslug,variant,endpoint_id,provider_name,provider_slug,\
effective_input_usd_per_mtok,effective_output_usd_per_mtok,cache_hit_rate,total_tokens\n";

fn read(text: &str) -> (FileForm, Contents) {
    read_file(text.as_bytes(), None).expect("readable")
}

fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("written");
    encoder.finish().expect("finished")
}

fn import(data: &Path, path: PathBuf, dry_run: bool) -> Result<FileReport, PipelineError> {
    let store = store(data);
    let settings = config("");
    let upstream = upstream::configured(&settings.upstream);
    let file = ImportFile { path, form: None, name: None, dry_run };
    import_file((&store, &*upstream), &DataDir::new(data), &file, at("2026-08-08T12:00:00Z"))
}

#[test]
fn a_day_with_an_observed_rate_covers_the_day_up_to_its_last_reading() {
    let row = "2026-08-01,00000000-0000-0000-0000-000000000001,wren/lark-2,standard,heron,Heron,heron,0.5,";
    let text = format!(
        "{DAYS}{row}observed,100,0.7,0.11,1,0.2,1,0.02,,0.99,2026-08-01T16:46:00Z\n{row}comparison,100,0.7,0.11,1,0.2,1,0.02,,0.99,2026-08-01T16:46:00Z\n"
    );
    let (form, contents) = read(&text);
    assert_eq!((form, contents.refused.len()), (FileForm::Days, 0));
    let part = &contents.parts.readings[0];
    assert_eq!((part.at, part.values.tokens), (at("2026-08-01T16:46:00Z"), Some(100)));
    assert_eq!((contents.days[0].basis, contents.days[0].tokens), (Some(Basis::Comparison), None));
    assert_eq!(contents.prices.len(), 1, "the same prices are kept once");
}

#[test]
fn a_file_beyond_the_limit_is_refused_by_its_size() {
    let data = folder();
    let path = data.path().join("huge.csv");
    // It has no content on the disk, but reading it would take seconds and gigabytes.
    fs::File::create(&path).and_then(|file| file.set_len(1 << 40)).expect("a size");
    let started = std::time::Instant::now();
    let error = import(data.path(), path, true).expect_err("too large").to_string();
    assert!(error.contains("huge.csv has more than"), "{error}");
    assert!(started.elapsed() < std::time::Duration::from_secs(60));
}

#[test]
fn summaries_of_a_short_stretch_are_not_days() {
    let text = format!(
        "{SUMMARIES}2026-07-20T16:24:00+00:00,wren/lark-2,standard,,Heron,heron,0.1,1,0.5,7\n\
         2026-07-21T16:24:00+00:00,wren/lark-2,standard,,Heron,heron,0.1,1,0.5,7\n\
         2026-07-21T16:24:00+00:00,wren/lark-2,batch,,Heron,heron,0,0,0.5,7\n"
    );
    let (form, contents) = read(&text);
    assert_eq!((form, contents.parts.readings.len()), (FileForm::EffectivePricing, 2));
    assert!(contents.refused[0].1.contains("short stretch") && contents.refused[0].0 == "line 2");
    assert_eq!(contents.parts.readings[1].values.effective_input, None, "a batch price of 0 is absent");
}

#[test]
fn snapshots_give_list_prices_per_million_and_uptimes_of_half_hours() {
    let text = "commit_time,model_id,canonical_slug,provider_name,tag,prompt,completion,input_cache_read,\
        input_cache_write,discount,uptime_last_30m\n\
        2026-06-15T19:11:31+02:00,wren/lark:free,wren/lark-2,Heron,heron/int4,0.00000075,0.0000035,0.00000016,,0,98.5\n";
    let (form, contents) = read(text);
    assert_eq!(form, FileForm::EndpointSnapshots);
    let price = &contents.prices[0];
    assert_eq!((price.input, price.output, price.cache_read), (Some(0.75), Some(3.5), Some(0.16)));
    assert_eq!((price.endpoint.variant.as_str(), price.at), ("free", at("2026-06-15T17:11:31Z")));
    let half = &contents.parts.half_hours[0];
    assert_eq!((half.hour, half.uptime), (at("2026-06-15T16:41:31Z"), 0.985));
}

#[test]
fn the_day_on_which_activity_was_read_is_not_over() {
    let text = "permaslug,variant,date,total_prompt_tokens,total_completion_tokens,total_native_tokens_cached,\
        request_count,last_scraped_at\n\
        wren/lark-2,standard,2026-06-17,10,1,0,5,2026-06-18 00:00:00+00\n\
        wren/lark-2,standard,2026-06-18,10,1,0,5,2026-06-18 23:00:00+00\n";
    let (form, contents) = read(text);
    assert_eq!((form, contents.activity.len(), contents.refused.len()), (FileForm::ModelActivity, 1, 1));
}

#[test]
fn speeds_are_means_of_days_with_enough_hours_and_uptime_ignores_rate_limits() {
    let mut text =
        "scraped_at,permaslug,variant,endpoint_id,provider_slug,price_prompt,price_completion,discount,\
        p50_throughput,p50_latency,success_count,derankable_error_count,rate_limited_count\n"
            .to_owned();
    for hour in 0..24 {
        text.push_str(&format!(
            "2026-07-21 {hour:02}:05:00+00,wren/lark-2,standard,00000000-0000-0000-0000-000000000001,heron,1e-07,5e-07,0.0,{}.0,100,99,1,500\n",
            10 + hour % 2
        ));
    }
    text.push_str("2026-07-22 01:05:00+00,wren/lark-2,standard,00000000-0000-0000-0000-000000000001,heron,2e-07,5e-07,0.0,7.0,,,,\n");
    // An alias repeats an endpoint of its target.
    text.push_str("2026-07-22 01:05:00+00,~wren/lark-latest,standard,00000000-0000-0000-0000-000000000001,heron,2e-07,5e-07,0.0,9.0,,,,\n");
    let (form, contents) = read(&text);
    assert_eq!((form, contents.refused.len()), (FileForm::Performance, 0));
    assert_eq!(contents.days.iter().map(|day| day.throughput).collect::<Vec<_>>(), [Some(10.5)]);
    assert_eq!(contents.parts.readings.len(), 1, "one hour is not a day");
    assert_eq!((contents.parts.half_hours.len(), contents.parts.half_hours[0].uptime), (24, 0.99));
    assert_eq!(contents.prices.iter().map(|price| price.input).collect::<Vec<_>>(), [Some(0.1), Some(0.2)]);
}

#[test]
fn a_log_of_list_prices_is_of_models_as_a_whole() {
    let text = r#"{"t":"2024-09-21T12:09:31+10:00","id":"wren/lark:free","event":"add","canonical_slug":null,"pricing":{"prompt":"0.00000035","completion":"0.0000004"}}
{"t":"2024-09-22T00:00:00Z","id":"wren/lark:free","event":"change","pricing":{"prompt":"0.0000007","completion":0.0000004}}
{"t":"2024-09-23T00:00:00Z","id":"wren/lark:free","event":"remove"}
{"t":"2024-09-23T00:00:00Z","id":"wren/auto","event":"add","pricing":{"prompt":"-1","completion":"-1"}}
{"t":"never","id":"wren/lark","event":"add","pricing":{"prompt":"1"}}
not json
"#;
    let (form, contents) = read(text);
    assert_eq!((form, contents.prices.len(), contents.refused.len()), (FileForm::PriceLog, 2, 2));
    let endpoint = &contents.prices[0].endpoint;
    assert!(endpoint.tag.is_none() && endpoint.provider_name.is_none() && endpoint.endpoint_id.is_none());
    assert_eq!(contents.prices[1].input, Some(0.7));
}

#[test]
fn two_cache_prices_of_0_of_a_paid_model_are_no_offer() {
    let line = |day: u32, read: &str, write: &str| {
        format!(
            r#"{{"t":"2025-03-0{day}T00:00:00Z","id":"wren/lark","event":"change","pricing":{{"prompt":"0.000001","completion":"0.000004","input_cache_read":"{read}","input_cache_write":"{write}"}}}}"#
        )
    };
    let text = [line(1, "0", "0"), line(2, "0", "0.000001"), line(3, "0.0000001", "0")].join("\n");
    let rows: Vec<_> =
        read(&text).1.prices.iter().map(|row| (row.input, row.cache_read, row.cache_write)).collect();
    let paid = Some(1.0);
    assert_eq!(rows, [(paid, None, None), (paid, Some(0.0), paid), (paid, Some(0.1), Some(0.0))]);
}

#[test]
fn damaged_rows_are_refused_with_their_line_and_never_fatal() {
    let good = "2026-07-21T16:24:00Z,wren/lark-2,standard,,Heron,heron,0.1,1,0.5,7\n";
    let text = format!(
        "{SUMMARIES}{good}2026-07-21T16:24:00Z,wren/lark-2,standard,,Heron,heron,NaN,1,0.5,7\n\
         2026-07-21T16:24:00Z,wren/lark-2,standard,,Heron,heron,0.1,1,0.5,-7\n\
         2026-07-21T16:24:00Z,wren/lark-2\n\
         later,wren/lark-2,standard,,Heron,heron,0.1,1,0.5,7\n\
         2026-07-21T16:24:00Z,wren/lark-2,standard,not-a-uuid,Heron,heron,0.1,1,0.5,7\n\
         {}\n{good}",
        "x".repeat(100 << 20)
    );
    let (_, contents) = read(&text);
    assert_eq!(contents.parts.readings.len(), 2);
    let lines: Vec<&str> = contents.refused.iter().map(|(line, _)| line.as_str()).collect();
    assert_eq!(lines, ["line 3", "line 4", "line 5", "line 6", "line 7", "line 8"]);
    assert!(contents.refused[5].1.contains("bytes"));
}

#[test]
fn other_delimiters_are_recognised_and_a_file_of_another_form_is_named() {
    let row = "2026-07-21T16:24:00Z,wren/lark-2,standard,,Heron,heron,0.1,1,0.5,7\n";
    for delimiter in [";", "\t"] {
        let text = format!("\u{feff}{SUMMARIES}{row}").replace(',', delimiter);
        assert_eq!(read(&text).1.parts.readings.len(), 1, "{delimiter:?}");
    }
    let error = read_file("a,b\n1,2\n".as_bytes(), Some(FileForm::Days)).expect_err("other columns");
    assert!(error.to_string().contains("endpoint_id"), "{error}");
    assert!(read_file("".as_bytes(), None).is_err());
}

#[test]
fn a_file_that_breaks_off_is_read_up_to_there() {
    let row = "2026-07-21T16:24:00Z,wren/lark-2,standard,,Heron,heron,0.1,1,0.5,";
    let rows: String = (0..20_000).map(|n| format!("{row}{n}\n")).collect();
    let whole = gzipped(format!("{SUMMARIES}{rows}").as_bytes());
    let decoder = flate2::read::GzDecoder::new(&whole[..whole.len() / 2]);
    let (_, contents) = read_file(BufReader::new(decoder), None).expect("the first rows");
    assert!(!contents.parts.readings.is_empty() && contents.refused.len() == 1);
    assert!(contents.refused[0].1.contains("ends early"), "{:?}", contents.refused);
}

#[test]
fn a_file_is_kept_imported_once_and_forgotten_with_its_copy() {
    let data = folder();
    let path = data.path().join("a<b>.csv.gz");
    let row = "2026-07-21T16:24:00Z,wren/lark-2,standard,,<b>\u{202e}</b>,heron,0.1,1,0.5,7\n";
    fs::write(&path, gzipped(format!("{SUMMARIES}{row}").as_bytes())).expect("written");
    let folder_of_copies = data.path().join("imports/files");
    let would = import(data.path(), path.clone(), true).expect("a report");
    assert!(would.report.stored == 1 && !folder_of_copies.exists(), "{would:?}");
    let done = import(data.path(), path.clone(), false).expect("imported");
    assert_eq!((done.report.stored, done.report.unmatched), (1, 1));
    assert_eq!(fs::read_dir(&folder_of_copies).expect("there").count(), 2);
    let again = import(data.path(), path.clone(), false).expect("imported");
    assert_eq!((again.report.stored, again.report.known), (0, 1));
    let store = store(data.path());
    let sources = store.import_sources().expect("readable");
    assert_eq!(sources.len(), 1);
    forget_import(&store, &DataDir::new(data.path()), &sources[0].name).expect("removed").expect("known");
    assert_eq!(fs::read_dir(&folder_of_copies).expect("there").count(), 0);
}

#[test]
fn an_export_as_parquet_or_csv_imports_into_another_record() {
    let data = folder();
    let path = data.path().join("days.csv");
    let row = "2026-08-01,00000000-0000-0000-0000-000000000001,wren/lark-2,standard,heron,Heron,heron,0.5,comparison,\
        100,0.7,0.11,1,0.2,1,0.02,,0.99,2026-08-01T16:46:00Z\n";
    fs::write(&path, format!("{DAYS}{row}")).expect("written");
    assert_eq!(import(data.path(), path, false).expect("imported").form, "days");
    let days = ("2026-08-01".parse().expect("a day"), "2026-08-02".parse().expect("a day"));
    let exported = store(data.path()).export_imported(days, ExportFormat::Parquet).expect("exported");
    let other = folder();
    let report = import(other.path(), exported.clone(), false).expect("imported");
    assert_eq!((report.form.as_str(), report.report.stored), ("days", 1), "{report:?}");
    fs::remove_file(exported).expect("removed");
    let broken = other.path().join("broken.parquet");
    fs::write(&broken, b"PAR1 and nothing else").expect("written");
    assert!(import(other.path(), broken, false).is_err());
    let left = fs::read_dir(DataDir::new(other.path()).work()).expect("there");
    let left: Vec<_> = left.filter_map(Result::ok).filter(|e| e.path().is_file()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn folders_without_bodies_are_named_and_missing_files_are_errors() {
    let data = folder();
    let error = import(data.path(), data.path().join("empty"), false).expect_err("missing").to_string();
    assert!(error.contains("empty"), "{error}");
    fs::create_dir(data.path().join("empty")).expect("made");
    let error = import(data.path(), data.path().join("empty"), false).expect_err("no bodies").to_string();
    assert!(error.contains("model_stats.jsonl.gz"), "{error}");
}

#[test]
fn of_a_data_folder_only_the_archive_is_read_and_copied() {
    let (old, data) = (folder(), folder());
    let run = old.path().join("archive").join("2026").join("08");
    fs::create_dir_all(&run).expect("created");
    fs::write(run.join("20260808T105700Z.manifest.zst"), "damaged").expect("written");
    fs::write(old.path().join("traffic.duckdb"), "private").expect("written");
    import(data.path(), old.path().to_owned(), false).expect("imported");
    let copies = DataDir::new(data.path()).imports().join("files");
    let names = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).expect("there").map(|entry| entry.expect("read").path()).collect()
    };
    let copy = names(&copies).into_iter().find(|path| path.is_dir()).expect("a copy");
    assert_eq!(names(&copy), [copy.join("2026")], "nothing but the archive");
}

/// A recorded series, if it exists next to the project.
fn series(name: &str) -> Option<Contents> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/openrouter/series").join(name);
    let Ok(file) = fs::File::open(&path) else {
        eprintln!("skipped: the recorded series ({} does not exist)", path.display());
        return None;
    };
    let reader = BufReader::new(flate2::read::MultiGzDecoder::new(file));
    Some(read_file(reader, None).expect("readable").1)
}

#[test]
fn the_recorded_series_are_read_row_by_row() {
    if let Some(read) = series("effective_pricing.csv.gz") {
        let parts = &read.parts.readings;
        assert_eq!((parts.len(), read.refused.len()), (6_284, 8_109 - 6_284));
        let tokens: i64 = parts.iter().filter_map(|part| part.values.tokens).sum();
        let rates: f64 = parts.iter().filter_map(|part| part.values.hit_rate).sum();
        assert_eq!((tokens, (rates * 1e4).round() / 1e4), (35_266_870_822_061, 1_912.638_1));
    }
    if let Some(read) = series("model_activity.csv.gz") {
        assert_eq!((read.activity.len(), read.refused.len()), (21_669, 22_140 - 21_669));
    }
    if let Some(read) = series("endpoints_snapshots.csv.gz") {
        assert_eq!((read.parts.half_hours.len(), read.refused.len()), (15_915, 0));
        assert!(read.parts.half_hours.iter().all(|half| (0.0..=1.0).contains(&half.uptime)));
    }
    if let Some(read) = series("price_change_events.jsonl.gz") {
        assert_eq!((read.prices.len(), read.refused.len()), (3_197, 0));
        let free_cache = |row: &&hitrate::domain::imported::ImportedPrices| {
            row.input > Some(0.0) && (row.cache_read, row.cache_write) == (Some(0.0), Some(0.0))
        };
        assert_eq!(read.prices.iter().find(free_cache), None, "a month of zeros is no offer");
    }
}
