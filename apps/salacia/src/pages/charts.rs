//! Charts as SVG, drawn on the server; every value also stands there as text for those who cannot see it.

use maud::{Markup, html};

const WIDTH: i64 = 800;
const HEIGHT: i64 = 160;

/// Columns over time.
pub fn columns(title: &str, values: impl Iterator<Item = (String, i64)>) -> Markup {
    let values: Vec<(String, i64)> = values.collect();
    let most = values.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1);
    let count = i64::try_from(values.len()).unwrap_or(1).max(1);
    // Too many columns for the width make the drawing wider; it is shown smaller then.
    let whole = WIDTH.max(count * 4);
    let width = (whole / count).min(120);
    html! {
        figure.chart {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {whole} {}", HEIGHT + 26)) role="img" aria-label=(title) {
                @for (place, (label, value)) in (0_i64..).zip(&values) {
                    @let height = (HEIGHT - 24) * *value / most;
                    rect x=(place * width + 1) y=(HEIGHT - height) width=(width - 2) height=(height) { title { (label) ": " (value) } }
                }
                text x=(whole) y="14" text-anchor="end" { "at most " (most) }
                line x1="0" y1=(HEIGHT) x2=(whole) y2=(HEIGHT) {}
                @if let (Some((first, _)), Some((last, _))) = (values.first(), values.last()) {
                    text x="0" y=(HEIGHT + 18) { (first) }
                    @if values.len() > 1 { text x=((count * width).min(whole)) y=(HEIGHT + 18) text-anchor="end" { (last) } }
                }
            }
        }
    }
}

/// Bars by name.
pub fn bars(title: &str, values: impl Iterator<Item = (String, i64)>) -> Markup {
    let values: Vec<(String, i64)> = values.take(20).collect();
    let most = values.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1);
    let height = i64::try_from(values.len()).unwrap_or(0) * 26;
    html! {
        figure.chart {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {WIDTH} {}", height.max(1))) role="img" aria-label=(title) {
                @for (place, (label, value)) in (0_i64..).zip(&values) {
                    @let short: String = if label.chars().count() > 26 { label.chars().take(25).chain(['…']).collect() } else { label.clone() };
                    text x="0" y=(place * 26 + 17) { (short) }
                    rect x="240" y=(place * 26 + 3) width=((WIDTH - 340) * *value / most) height="20" { title { (label) ": " (value) } }
                    text x=(250 + (WIDTH - 340) * *value / most) y=(place * 26 + 17) { (value) }
                }
            }
        }
    }
}
