//! The exception list: `rule path: reason` a line. A line without a reason, or that excuses nothing, is a finding itself.

use super::Finding;

struct Exception<'a> {
    line: usize,
    rule: &'a str,
    path: &'a str,
}

fn parse(text: &str) -> (Vec<Exception<'_>>, Vec<usize>) {
    let (mut list, mut wrong) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#')) {
        let read = line.split_once(": ").and_then(|(head, reason)| Some((head.split_once(' ')?, reason)));
        match read {
            Some(((rule, path), reason)) if !reason.trim().is_empty() => list.push(Exception { line: index + 1, rule, path }),
            _ => wrong.push(index + 1),
        }
    }
    (list, wrong)
}

/// Removes what the list excuses, and adds what is wrong with the list.
pub fn apply(file: &str, text: &str, findings: Vec<Finding>) -> Vec<Finding> {
    let (list, wrong) = parse(text);
    let is_excused = |finding: &Finding, exception: &Exception<'_>| exception.rule == finding.rule && exception.path == finding.path;
    let unused: Vec<&Exception<'_>> =
        list.iter().filter(|exception| !findings.iter().any(|finding| is_excused(finding, exception))).collect();
    let of_list = |line: usize, what: String, mend: &'static str| Finding { rule: "exceptions", path: file.to_owned(), line, what, mend };
    let mut about = Vec::new();
    about.extend(wrong.iter().map(|line| of_list(*line, "not an exception with a reason".into(), "write `rule path: reason`")));
    about.extend(
        unused
            .iter()
            .map(|exception| of_list(exception.line, format!("{} has no {} to excuse", exception.path, exception.rule), "remove the line")),
    );
    let mut rest: Vec<Finding> =
        findings.into_iter().filter(|finding| !list.iter().any(|exception| is_excused(finding, exception))).collect();
    rest.append(&mut about);
    rest
}

#[cfg(test)]
mod tests {
    use super::apply;
    use crate::tidy::Finding;

    #[test]
    fn excuses_with_a_reason_and_reports_the_rest() {
        let finding = |path: &str| Finding { rule: "file-length", path: path.into(), line: 1, what: "long".into(), mend: "split it" };
        let list = "# comment\nfile-length a.rs: a table of the standard\nfile-length b.rs\nfile-length gone.rs: it was long\n";
        let left = apply("list.txt", list, vec![finding("a.rs"), finding("b.rs")]);
        let told: Vec<(&str, usize)> = left.iter().map(|finding| (finding.path.as_str(), finding.line)).collect();
        assert_eq!(told, [("b.rs", 1), ("list.txt", 3), ("list.txt", 4)]);
    }
}
