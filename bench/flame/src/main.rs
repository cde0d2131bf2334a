//! `perf script | bench-flame TITLE FILE.svg MARK`: a flame graph of the samples that have a frame with this mark, so that making the tables is not in it.

use inferno::collapse::Collapse;
use inferno::collapse::perf::Folder;
use inferno::flamegraph::{self, Options};
use std::fs::File;
use std::io::{BufReader, BufWriter, stdin};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [title, file, mark] = arguments.as_slice() else { return Err("bench-flame TITLE FILE.svg MARK".into()) };
    let mut folded = Vec::new();
    Folder::default().collapse(BufReader::new(stdin().lock()), &mut folded)?;
    let folded = String::from_utf8(folded)?;
    let lines: Vec<&str> = folded.lines().filter(|line| line.contains(mark)).collect();
    if lines.is_empty() {
        return Err(format!("no sample of {title} has a frame with {mark}").into());
    }
    let mut options = Options::default();
    options.title.clone_from(title);
    options.count_name = "samples".to_owned();
    // What is narrower cannot be read, and would be most of the file.
    options.min_width = 0.3;
    options.deterministic = true;
    flamegraph::from_lines(&mut options, lines, BufWriter::new(File::create(file)?))?;
    Ok(())
}
