//! Figures and tables as text.

/// A number of bytes with its unit.
pub(crate) fn bytes(value: usize) -> String {
    match value {
        0..10_000 => format!("{value} B"),
        10_000..1_000_000 => format!("{} kB", digits(value as f64 / 1e3)),
        _ => format!("{} MB", digits(value as f64 / 1e6)),
    }
}

/// A time with its unit.
pub(crate) fn time(ns: f64) -> String {
    match ns {
        ..1e3 => format!("{ns:.0} ns"),
        ..1e6 => format!("{} us", digits(ns / 1e3)),
        ..1e9 => format!("{} ms", digits(ns / 1e6)),
        _ => format!("{} s", digits(ns / 1e9)),
    }
}

/// How many times as much.
pub(crate) fn ratio(theirs: f64, ours: f64) -> String {
    format!("{}x", digits(theirs / ours))
}

/// Three digits that count.
fn digits(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A table that reads well as text and as Markdown.
pub(crate) fn table(head: &[&str], lines: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max();
        head.get(column)
            .map_or(0, |name| name.chars().count())
            .max(widest.unwrap_or(0))
    };
    let line = |cells: &[String]| {
        let padded = cells.iter().enumerate().map(|(column, cell)| {
            let blanks = " ".repeat(width(column).saturating_sub(cell.chars().count()));
            format!(" {blanks}{cell} |")
        });
        format!("|{}\n", padded.collect::<String>())
    };
    let names: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    let rule: Vec<String> = (0..head.len())
        .map(|column| format!("{}:|", "-".repeat(width(column) + 1)))
        .collect();
    let body: String = lines.iter().map(|cells| line(cells)).collect();
    format!("{}|{}\n{body}", line(&names), rule.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits_and_their_unit() {
        assert_eq!(
            [9999, 12_345, 3_334_100].map(bytes),
            ["9999 B", "12.3 kB", "3.33 MB"]
        );
        assert_eq!(
            [51.6, 1234.0, 5e7].map(time),
            ["52 ns", "1.23 us", "50.0 ms"]
        );
        assert_eq!(ratio(820.0, 2.0), "410x");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let lines = [vec!["1".to_owned(), "long".to_owned()]];
        assert_eq!(
            table(&["N", "r"], &lines),
            "| N |    r |\n|--:|-----:|\n| 1 | long |\n"
        );
    }
}
