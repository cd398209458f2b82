//! The little of SVG that plots need.

use core::fmt::{Display, Write};

/// A picture under construction; coordinates in pixels from the upper left.
#[derive(Debug)]
pub struct Svg {
    body: String,
    size: (f64, f64),
}

/// Where a text is anchored.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    /// The point is its left end.
    Start,
    /// The point is its right end.
    End,
}

impl Svg {
    /// An empty white picture with a title.
    #[must_use]
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        let mut svg = Self {
            body: String::new(),
            size: (width, height),
        };
        svg.rect((0.0, 0.0), (width, height), "white");
        svg.text((16.0, 24.0), Anchor::Start, title);
        svg
    }

    /// A filled rectangle.
    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        self.element(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}"/>"#
        ));
    }

    /// A line through points.
    pub fn line(&mut self, points: impl IntoIterator<Item = (f64, f64)>, stroke: &str) {
        let points = points.into_iter().map(|(x, y)| format!("{x:.1},{y:.1}"));
        let points = points.collect::<Vec<_>>().join(" ");
        self.element(format_args!(
            r#"<polyline points="{points}" fill="none" stroke="{stroke}" stroke-width="1.5"/>"#
        ));
    }

    /// One line of text.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::End => "end",
        };
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.element(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    /// The file.
    #[must_use]
    pub fn finish(self) -> String {
        let (width, height) = self.size;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n{}</svg>\n",
            self.body
        )
    }

    fn element(&mut self, element: impl Display) {
        // writing to a String cannot fail
        let _ = writeln!(self.body, "{element}");
    }
}
