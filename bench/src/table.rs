//! Medians of several runs, server beside server.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
};

/// Figures of one measure by server, in the order in which they were first seen.
type Rows = Vec<((String, String, String), BTreeMap<String, Vec<f64>>)>;

/// Reads what runs printed, and prints a table in Markdown: medians, how far the runs lie apart,
/// and the first server's share of each other's.
///
/// # Errors
/// When reading or writing fails.
pub fn print(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    let mut rows: Rows = Vec::new();
    let mut servers: Vec<String> = Vec::new();
    for line in from.lines() {
        let line = line?;
        let fields: Vec<&str> = line.split('\t').collect();
        let [scenario, what, server, figure, unit] = fields[..] else { continue };
        let Ok(figure) = figure.parse() else { continue };
        if !servers.iter().any(|it| it == server) {
            servers.push(server.to_owned());
        }
        let key = (scenario.to_owned(), what.to_owned(), unit.to_owned());
        let index = rows.iter().position(|it| it.0 == key).unwrap_or_else(|| {
            rows.push((key, BTreeMap::new()));
            rows.len() - 1
        });
        rows[index].1.entry(server.to_owned()).or_default().push(figure);
    }
    let Some((ours, others)) = servers.split_first() else { return Ok(()) };
    write!(to, "| scenario | what | unit | {ours} |")?;
    others.iter().try_for_each(|it| write!(to, " {it} | {ours} ÷ {it} |"))?;
    let columns = 4 + 2 * others.len();
    writeln!(to, "\n|{}", " --- |".repeat(columns))?;
    for ((scenario, what, unit), figures) in &rows {
        write!(to, "| {scenario} | {what} | {unit} | {} |", shown(figures.get(ours)))?;
        let own = figures.get(ours).map(|it| median(it));
        for other in others {
            let ratio = figures.get(other).zip(own).map(|(it, own)| own / median(it));
            let ratio = ratio.map(|it| format!("{it:.2}")).unwrap_or_default();
            write!(to, " {} | {ratio} |", shown(figures.get(other)))?;
        }
        writeln!(to)?;
    }
    Ok(())
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The median, and in how wide a range the runs lie.
fn shown(figures: Option<&Vec<f64>>) -> String {
    let Some(figures) = figures else { return "–".to_owned() };
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(0.0, f64::max);
    let digits = if median(figures) < 10.0 { 2 } else { usize::from(median(figures) < 100.0) };
    format!("{:.digits$} ({least:.digits$}–{most:.digits$})", median(figures))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_stand_side_by_side() {
        let runs = "idle\tn\ta\t1\tB\nidle\tn\tb\t4\tB\nidle\tn\ta\t3\tB\nidle\tn\ta\t2\tB\n";
        let mut out = Vec::new();
        print(&mut runs.as_bytes(), &mut out).unwrap();
        let last = String::from_utf8(out).unwrap().lines().last().unwrap().to_owned();
        assert_eq!(last, "| idle | n | B | 2.00 (1.00–3.00) | 4.00 (4.00–4.00) | 0.50 |");
    }
}
