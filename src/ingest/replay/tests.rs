//! Replay of small files in every form.

use std::io::Write;

use super::*;

pub(super) fn options(files: Vec<PathBuf>) -> Options {
    Options {
        files,
        format: Format::Auto,
        columns: None,
        block_bytes: 64,
        record_bytes_max: 100,
        speed: None,
        processes: 1,
        process: 0,
        progress: indicatif::ProgressBar::hidden(),
    }
}

pub(super) fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// All bytes of all blocks by partition, and whether each block but a cut one ends with a line.
fn read_all(options: &Options) -> (Vec<Vec<u8>>, Vec<String>) {
    let mut replay = Replay::open(options).unwrap();
    let mut bytes = vec![Vec::new(); options.files.len()];
    while let Some(block) = replay.next(Vec::new()).unwrap() {
        let (Payload::Json(read) | Payload::Csv(read, _)) = &block.payload else {
            panic!("decoded")
        };
        bytes[block.partition as usize].extend_from_slice(read);
    }
    let torn = replay.torn().lock().unwrap().clone();
    (bytes, torn)
}

fn line(time: i64) -> String {
    format!("{{\"event_type\":\"click\",\"event_time\":{time}}}\n")
}

#[test]
fn every_byte_comes_through_in_order_whatever_the_form() {
    let text: String = (0..50).map(|i| line(1_700_000_000_000 + i)).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    for bytes in [text.as_bytes(), &gzip, &zstd] {
        let file = written(bytes);
        let (read, torn) = read_all(&options(vec![file.path().to_owned()]));
        assert_eq!(read[0], text.as_bytes());
        assert!(torn.is_empty());
    }
}

#[test]
fn what_came_before_a_tear_counts_and_the_tear_is_named() {
    let text: String = (0..5000)
        .map(|i| line(1_700_000_000_000 + i * 7919))
        .collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let file = written(&gzip[..gzip.len() / 2]);
    let (read, torn) = read_all(&options(vec![file.path().to_owned()]));
    assert!(read[0].len() > text.len() / 4 && text.as_bytes().starts_with(&read[0]));
    assert!(torn[0].contains("is torn"), "{torn:?}");
}

#[test]
fn a_csv_file_without_line_feeds_is_refused() {
    let file = written(b"user_id,ts,channel\ru,1700000000000,search\r");
    let refused = Replay::open(&options(vec![file.path().to_owned()]));
    let error = format!("{:#}", refused.err().expect("no rows can be told apart"));
    assert!(error.contains("carriage returns"), "{error}");
}

/// A CSV file that breaks off within its header has no rows, and is no reason to stop those beside it.
#[test]
fn a_csv_file_may_be_torn_anywhere_or_empty() {
    let rows = "user_id,ts,channel\nu,1700000000000,search\n".repeat(50);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all(rows.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    for (format, bytes, is_torn) in [
        (Format::Auto, &gzip[..5], true),
        (Format::Csv, &gzip[..5], true),
        (Format::Csv, &gzip[..25], true),
        (Format::Csv, &gzip[..200], true),
        (Format::Csv, &b""[..], false),
        (Format::Csv, &b"\n\r\n"[..], false),
        (Format::Csv, "\u{feff}".as_bytes(), false),
    ] {
        let file = written(bytes);
        let options = Options {
            format,
            ..options(vec![file.path().to_owned()])
        };
        let (read, torn) = read_all(&options);
        assert_eq!(!torn.is_empty(), is_torn, "{format:?} {}", bytes.len());
        assert_eq!(read[0].is_empty(), bytes.len() < 30);
    }
}

#[test]
fn a_line_beyond_the_limit_is_cut_and_the_next_one_is_whole() {
    let text = format!(
        "{}{}\n{}",
        line(1_700_000_000_000),
        "x".repeat(1000),
        line(1_700_000_000_001)
    );
    let file = written(text.as_bytes());
    let mut replay = Replay::open(&Options {
        format: Format::Json,
        ..options(vec![file.path().to_owned()])
    })
    .unwrap();
    let mut lines = Vec::new();
    while let Some(block) = replay.next(Vec::new()).unwrap() {
        let Payload::Json(bytes) = block.payload else {
            panic!("no JSON")
        };
        lines.extend(
            bytes
                .split(|&b| b == b'\n')
                .filter(|l| !l.is_empty())
                .map(<[u8]>::to_vec),
        );
    }
    let lengths: Vec<usize> = lines.iter().map(Vec::len).collect();
    assert_eq!(lengths, [49, 101, 49]);
}

#[test]
fn files_are_read_in_step() {
    let early: String = (0..40).map(|i| line(1_700_000_000_000 + i)).collect();
    let late: String = (0..40).map(|i| line(1_800_000_000_000 + i)).collect();
    let files = [written(late.as_bytes()), written(early.as_bytes())];
    let mut replay = Replay::open(&options(
        files.iter().map(|f| f.path().to_owned()).collect(),
    ))
    .unwrap();
    let mut order = Vec::new();
    while let Some(block) = replay.next(Vec::new()).unwrap() {
        order.push(block.partition);
    }
    let last_early = order.iter().rposition(|&partition| partition == 1).unwrap();
    assert_eq!(
        order[..last_early]
            .iter()
            .filter(|&&partition| partition == 0)
            .count(),
        1
    );
}

#[test]
fn a_bad_first_line_does_not_make_json_lines_a_csv_file() {
    let text = format!("[1, 2]\n{}", line(1_700_000_000_000));
    let file = written(text.as_bytes());
    let (read, _) = read_all(&options(vec![file.path().to_owned()]));
    assert_eq!(read[0], text.as_bytes());
    let csv = written(b"user_id,ts,channel\nu,1700000000000,search\n");
    let (read, _) = read_all(&options(vec![csv.path().to_owned()]));
    assert_eq!(read[0], b"u,1700000000000,search\n");
}
