//! Bars of the ratios to the floor.

use super::Group;
use std::fmt::Write;

const COLOURS: [&str; 10] = ["#1f6feb", "#8250df", "#bf8700", "#1a7f37", "#cf222e", "#57606a", "#0550ae", "#953800", "#116329", "#6e7781"];
/// What is above so many times is cut and says so.
const MOST: f64 = 6.0;
const SCALE: f64 = 90.0;

/// A group for each workload.
pub fn of(groups: &[Group<'_>]) -> String {
    let height: usize = groups.iter().map(|(_, list)| list.len() * 14 + 26).sum();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"860\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\">\n"
    );
    let mut y = 16;
    for (workload, list) in groups {
        let _ = writeln!(svg, "<text x=\"0\" y=\"{y}\" font-weight=\"bold\" fill=\"#57606a\">{}</text>", escaped(workload));
        y += 6;
        let floor = list.first().map_or(1.0, |line| line.min);
        for (place, line) in list.iter().enumerate() {
            let ratio = line.min / floor;
            let (width, colour) = (ratio.min(MOST) * SCALE, COLOURS[place % COLOURS.len()]);
            let _ = writeln!(svg, "<rect x=\"210\" y=\"{y}\" width=\"{width:.0}\" height=\"11\" fill=\"{colour}\"/>");
            let _ =
                writeln!(svg, "<text x=\"205\" y=\"{}\" text-anchor=\"end\" fill=\"#57606a\">{}</text>", y + 9, escaped(&line.contender));
            let more = if ratio > MOST { " →" } else { "" };
            let _ = writeln!(svg, "<text x=\"{:.0}\" y=\"{}\" fill=\"#57606a\">{ratio:.2}{more}</text>", 215.0 + width, y + 9);
            y += 14;
        }
        y += 20;
    }
    svg.push_str("</svg>\n");
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
