//! What a person sees: headings, SQL, tables, timings.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{ContentArrangement, Table};
use owo_colors::{OwoColorize, Stream};
use std::time::{Duration, Instant};

/// A heading with what is shown.
pub fn step(title: &str) -> Instant {
    println!("\n{}", title.if_supports_color(Stream::Stdout, |text| text.bold().cyan().to_string()));
    Instant::now()
}

/// The SQL that ran, and how long it took.
pub fn sql(text: &str, took: Duration) {
    println!("  {}", text.if_supports_color(Stream::Stdout, |text| text.dimmed().to_string()));
    println!("  {:.2} ms", took.as_secs_f64() * 1000.0);
}

/// Rows as a table.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    println!("{table}");
}

/// One sentence.
pub fn say(text: impl std::fmt::Display) {
    println!("  {text}");
}
