//! A chart of values over steps, as inline SVG.

use std::fmt::Write;

use maud::{Markup, html};

use super::axis::Axis;
use super::line::{Point, pieces, thinned};
use super::number::number;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 36.0;

/// Values over steps.
pub(super) struct Chart {
    pub(super) title: &'static str,
    /// The first is the one that the chart is about.
    pub(super) lines: Vec<Line>,
}

/// One line of a chart.
pub(super) struct Line {
    pub(super) name: &'static str,
    /// By their steps.
    pub(super) points: Vec<Point>,
}

/// Where values stand in the picture.
struct Frame {
    steps: Axis,
    values: Axis,
}

impl Chart {
    /// The chart under its title; a sentence where there is nothing to draw.
    pub(super) fn render(&self) -> Markup {
        let all = self.lines.iter().flat_map(|line| &line.points).copied();
        let (drawn, missing): (Vec<Point>, Vec<Point>) = all.partition(Point::is_drawn);
        html! {
            section.chart {
                h3 { (self.title) }
                @match Frame::around(&drawn) {
                    Some(frame) => { (self.picture(&frame)) }
                    None => { p { "The log has no numbers of it." } }
                }
                @if !missing.is_empty() {
                    p.note {
                        (missing.len()) " of " (missing.len() + drawn.len())
                        " values are not finite, or none at all: the line has a gap there."
                    }
                }
            }
        }
    }

    fn picture(&self, frame: &Frame) -> Markup {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let view = format!("0 0 {WIDTH} {HEIGHT}");
        html! {
            svg viewBox=(view) role="img" aria-label=(self.description()) {
                title { (self.description()) }
                g.axis {
                    @for (tick, label) in frame.values.ticks() {
                        @let y = place(frame.y(tick));
                        line x1=(LEFT) x2=(right) y1=(y) y2=(y) {}
                        text x=(LEFT - 8.0) y=(y) dy="0.32em" text-anchor="end" { (label) }
                    }
                    @for (tick, label) in frame.steps.ticks() {
                        @let x = place(frame.x(tick));
                        line x1=(x) x2=(x) y1=(bottom) y2=(bottom + 4.0) {}
                        text x=(x) y=(bottom + 16.0) text-anchor="middle" { (label) }
                    }
                    text x=((LEFT + right) / 2.0) y=(HEIGHT - 4.0) text-anchor="middle" { "step" }
                }
                @for (index, line) in self.lines.iter().enumerate() {
                    g class=(format!("line line-{index}")) { (line.render(frame)) }
                }
            }
            p.legend {
                @for (index, line) in self.lines.iter().enumerate() {
                    span class=(format!("key key-{index}")) {
                        (line.name)
                        @if let Some(last) = line.last() { ": " (number(last.value)) " at step " (last.step) }
                    }
                    " "
                }
            }
        }
    }

    /// What a reader who does not see the chart should know of it.
    fn description(&self) -> String {
        let mut text = format!("{} over steps", self.title);
        for line in &self.lines {
            let drawn = || line.points.iter().filter(|point| point.is_drawn());
            let values = || drawn().map(|point| point.value);
            if let Some(last) = line.last() {
                let (lowest, highest) = (
                    values().fold(f64::MAX, f64::min),
                    values().fold(f64::MIN, f64::max),
                );
                // Writing to a string does not fail.
                let _ = write!(
                    text,
                    "; {} from {} to {}, {} at step {}",
                    line.name,
                    number(lowest),
                    number(highest),
                    number(last.value),
                    last.step
                );
            }
        }
        text
    }
}

impl Line {
    /// The last point that has a place.
    fn last(&self) -> Option<&Point> {
        self.points.iter().rfind(|point| point.is_drawn())
    }

    fn render(&self, frame: &Frame) -> Markup {
        html! {
            @for piece in pieces(&self.points) {
                @let piece = thinned(piece, (WIDTH - LEFT - RIGHT) as usize);
                @match &piece[..] {
                    [point] => { (dot(frame, point)) }
                    points => { path d=(frame.path(points)) {} }
                }
            }
            @if let Some(last) = self.last() { (dot(frame, last)) }
        }
    }
}

fn dot(frame: &Frame, point: &Point) -> Markup {
    html! {
        circle cx=(place(frame.x(point.step as f64))) cy=(place(frame.y(point.value))) r="2.5" {}
    }
}

/// A coordinate, as exact as eyes are.
fn place(coordinate: f64) -> String {
    format!("{coordinate:.1}")
}

impl Frame {
    /// The one that holds all points, if there are any.
    fn around(points: &[Point]) -> Option<Self> {
        let steps = || points.iter().map(|point| point.step);
        let values = || points.iter().map(|point| point.value);
        Some(Self {
            steps: Axis::of_steps(steps().min()?, steps().max()?),
            values: Axis::widened(
                values().fold(f64::MAX, f64::min),
                values().fold(f64::MIN, f64::max),
            ),
        })
    }

    fn x(&self, step: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * self.steps.place(step)
    }

    fn y(&self, value: f64) -> f64 {
        TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - self.values.place(value))
    }

    fn path(&self, points: &[Point]) -> String {
        let places = points.iter().map(|point| {
            format!(
                "{:.1},{:.1}",
                self.x(point.step as f64),
                self.y(point.value)
            )
        });
        format!("M{}", places.collect::<Vec<_>>().join("L"))
    }
}
