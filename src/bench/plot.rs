//! A run as a picture (SVG): deliveries second by second, and the latency's percentiles on a scale that shows the tail.

use std::fmt::Write;

use crate::bench::report::Latency;
use crate::bench::report::Report;

/// Pixels of a panel, and of what stands around it.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 80.0;
const TOP: f64 = 40.0;
const BETWEEN: f64 = 70.0;

/// Colours that differ also for those who see few.
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// Nines of the last percentile that is drawn: 99.999 %.
const NINES_MAX: f64 = 5.0;

/// Where a panel is, and what its axes mean.
struct Panel {
    top: f64,
    x_max: f64,
    y_max: f64,
}

impl Panel {
    fn x(&self, value: f64) -> f64 {
        LEFT + WIDTH * value / self.x_max
    }

    fn y(&self, value: f64) -> f64 {
        self.top + HEIGHT * (1.0 - value / self.y_max)
    }

    /// The frame, the title, and the marks of both axes.
    fn draw(&self, out: &mut String, title: &str, x_marks: &[(f64, String)]) {
        text(out, LEFT, self.top - 12.0, "start", title);
        let _ = writeln!(
            out,
            r##"<rect x="{LEFT}" y="{}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>"##,
            self.top
        );
        for part in 0..=4 {
            let value = self.y_max * f64::from(part) / 4.0;
            let y = self.y(value);
            line(out, LEFT, y, LEFT + WIDTH, y);
            text(out, LEFT - 6.0, y + 4.0, "end", &short(value));
        }
        for (value, label) in x_marks {
            let x = self.x(*value);
            text(out, x, self.top + HEIGHT + 16.0, "middle", label);
        }
    }

    fn curve(&self, out: &mut String, colour: &str, points: impl Iterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(path, "{:.1},{:.1} ", self.x(x), self.y(y.min(self.y_max)));
        }
        let _ = writeln!(
            out,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            path.trim_end()
        );
    }
}

/// The picture of `report`.
pub(super) fn svg(report: &Report) -> String {
    let height = TOP + 2.0 * (HEIGHT + BETWEEN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        LEFT + WIDTH + 40.0
    );
    throughput(&mut out, report);
    percentiles(&mut out, report);
    out.push_str("</svg>\n");
    out
}

fn throughput(out: &mut String, report: &Report) {
    let most = report.seconds.iter().map(|it| it.deliveries).max();
    let panel = Panel {
        top: TOP,
        x_max: (report.seconds.len() as f64).max(1.0),
        y_max: round_up(most.unwrap_or(1) as f64),
    };
    let step = (report.seconds.len() / 10).max(1);
    let marks: Vec<_> = (0..=report.seconds.len())
        .step_by(step)
        .map(|second| (second as f64, format!("{second} s")))
        .collect();
    let title = format!(
        "{}: deliveries a second (the first {} s are warm-up)",
        report.title(),
        report.warm_up_s
    );
    panel.draw(out, &title, &marks);
    let points = report.seconds.iter().enumerate();
    let points = points.map(|(second, it)| (second as f64 + 1.0, it.deliveries as f64));
    panel.curve(out, COLOURS[0], points);
}

fn percentiles(out: &mut String, report: &Report) {
    let most_us = report
        .latencies
        .iter()
        .map(|it| {
            it.histogram
                .value_at_quantile(1.0 - 10_f64.powf(-NINES_MAX))
        })
        .max();
    let panel = Panel {
        top: TOP + HEIGHT + BETWEEN,
        x_max: NINES_MAX,
        y_max: round_up(most_us.unwrap_or(1) as f64 / 1e3),
    };
    let marks: Vec<_> = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"]
        .into_iter()
        .enumerate()
        .map(|(nines, label)| (nines as f64, label.to_owned()))
        .collect();
    panel.draw(out, "latency in ms, by percentile", &marks);
    for (Latency { name, histogram }, (index, colour)) in
        report.latencies.iter().zip(COLOURS.iter().enumerate())
    {
        let points = (0..=100).map(|part| {
            let nines = NINES_MAX * f64::from(part) / 100.0;
            let us = histogram.value_at_quantile(1.0 - 10_f64.powf(-nines));
            (nines, us as f64 / 1e3)
        });
        panel.curve(out, colour, points);
        let y = panel.top + 18.0 + 16.0 * index as f64;
        let _ = writeln!(
            out,
            r#"<text x="{}" y="{y}" fill="{colour}">{name}</text>"#,
            LEFT + 10.0
        );
    }
}

fn line(out: &mut String, x1: f64, y1: f64, x2: f64, y2: f64) {
    let _ = writeln!(
        out,
        r##"<line x1="{x1}" y1="{y1:.1}" x2="{x2}" y2="{y2:.1}" stroke="#ddd"/>"##
    );
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = writeln!(
        out,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#
    );
}

/// 1, 2 or 5 times a power of ten, not below `value`.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-3).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}

fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.1} M", value / 1e6),
        value if value >= 1e4 => format!("{:.0} k", value / 1e3),
        value if value.fract() == 0.0 => format!("{value:.0}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::round_up;

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!(round_up(94_000.0), 100_000.0);
        assert_eq!(round_up(1_100.0), 2_000.0);
        assert_eq!(round_up(0.03), 0.05);
        assert!(round_up(0.0) > 0.0);
    }
}
