//! Plots as inline SVG: lines over named positions, and bars with intervals. Colours come from the
//! page's style sheet, by the number of the series.

use std::fmt::Write as _;

use super::report::{Interval, Percent};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
/// Room for the scale on the left and the labels below.
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 34.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 12.0;
/// Of the space between two groups of bars, the share that bars take.
const BARS_SHARE: f64 = 0.78;

/// One method's values, one for each position.
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    pub(super) values: Vec<(Percent, Option<Interval>)>,
}

/// What a plot shows, and says to who cannot see it.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    /// Below the axis, from left to right.
    pub(super) positions: Vec<String>,
    pub(super) series: Vec<Series<'a>>,
}

impl Plot<'_> {
    /// Curves from position to position.
    pub(super) fn lines(&self) -> String {
        let mut svg = self.frame();
        for (number, series) in self.series.iter().enumerate() {
            let points: Vec<(f64, f64)> = series
                .values
                .iter()
                .enumerate()
                .map(|(position, (share, _))| (self.centre(position), height_of(*share)))
                .collect();
            let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            // Writing to a string cannot fail.
            let _ =
                write!(svg, "<polyline class=\"line s{number}\" points=\"{}\"/>", path.join(" "));
            for (x, y) in points {
                let _ = write!(
                    svg,
                    "<circle class=\"fill s{number}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>"
                );
            }
        }
        svg.push_str("</svg>");
        svg
    }

    /// Groups of bars, one bar for each series, with their intervals.
    pub(super) fn bars(&self) -> String {
        let mut svg = self.frame();
        let width = self.step() * BARS_SHARE / self.series.len().max(1) as f64;
        for (number, series) in self.series.iter().enumerate() {
            for (position, (share, interval)) in series.values.iter().enumerate() {
                let start = self.centre(position) - self.step() * BARS_SHARE / 2.0;
                let x = start + width * number as f64;
                let (y, floor) = (height_of(*share), height_of(Percent(0.0)));
                let _ = write!(
                    svg,
                    "<rect class=\"fill s{number}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" \
                     height=\"{:.1}\"/>",
                    x + 0.5,
                    (width - 1.0).max(0.5),
                    floor - y
                );
                if let Some(Interval(lower, upper)) = interval {
                    let middle = x + width / 2.0;
                    let (low, high) = (height_of(*lower), height_of(*upper));
                    let _ = write!(
                        svg,
                        "<line class=\"interval\" x1=\"{middle:.1}\" x2=\"{middle:.1}\" \
                         y1=\"{low:.1}\" y2=\"{high:.1}\"/>"
                    );
                }
            }
        }
        svg.push_str("</svg>");
        svg
    }

    /// The opening tag, the scale and the labels.
    fn frame(&self) -> String {
        let title = escape(self.title);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}. The table \
             below has the same figures.\">"
        );
        for percent in [0, 25, 50, 75, 100] {
            let y = height_of(Percent(f64::from(percent) / 100.0));
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{percent}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0
            );
        }
        for (position, label) in self.positions.iter().enumerate() {
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                self.centre(position),
                HEIGHT - BOTTOM + 20.0,
                escape(label)
            );
        }
        svg
    }

    fn step(&self) -> f64 {
        (WIDTH - LEFT - RIGHT) / self.positions.len().max(1) as f64
    }

    fn centre(&self, position: usize) -> f64 {
        LEFT + self.step() * (position as f64 + 0.5)
    }
}

fn height_of(share: Percent) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share.0.clamp(0.0, 1.0)
}

/// Text as it stands in HTML and in an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot() -> Plot<'static> {
        let value = |share: f64| (Percent(share), Some(Interval(Percent(0.0), Percent(1.0))));
        Plot {
            title: "recall & more",
            positions: vec!["5".to_owned(), "<10>".to_owned()],
            series: vec![Series { name: "x", values: vec![value(0.0), value(1.0)] }],
        }
    }

    #[test]
    fn the_top_of_the_scale_is_one_hundred_per_cent_and_text_is_escaped() {
        let svg = plot().lines();
        let centre = LEFT + (WIDTH - LEFT - RIGHT) * 0.75;
        assert!(svg.contains(&format!("cx=\"{centre:.1}\" cy=\"{TOP:.1}\"")), "{svg}");
        assert!(svg.contains("recall &amp; more") && svg.contains("&lt;10&gt;"), "{svg}");
    }

    #[test]
    fn every_bar_has_its_interval() {
        let svg = plot().bars();
        assert_eq!(svg.matches("<rect").count(), 2);
        assert_eq!(svg.matches("class=\"interval\"").count(), 2);
    }
}
