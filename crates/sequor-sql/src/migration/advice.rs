//! [`advice`]: what to do about a statement of a migration that a database refused, beyond the server's own words.

/// The next step, by the code of the refusal and by what the file says above the statement, which begins on this line.
pub fn advice(code: &str, script: &str, line: usize) -> Option<String> {
    const AGAIN: &str = "then run this again: it goes on where it stopped";
    match code {
        // PostgreSQL; MySQL and MariaDB (a database, a table, a column, a privilege, a routine).
        "42501" | "1044" | "1142" | "1143" | "1227" | "1370" => {
            Some(format!("give this account the right to do it, or connect with one that may, {AGAIN}"))
        }
        "53100" | "1021" | "1114" | "1026" | "1030" | "SQLITE_FULL" => Some(format!("make room on the server's disk, {AGAIN}")),
        "22P02" | "SQLITE_CONSTRAINT_CHECK" => taken_labels(script, line),
        "23502" | "1048" | "1138" | "1364" | "SQLITE_CONSTRAINT_NOTNULL" => missing_value(script, line),
        // What MySQL says of both.
        "1265" => taken_labels(script, line).or_else(|| missing_value(script, line)),
        _ => None,
    }
}

fn taken_labels(script: &str, line: usize) -> Option<String> {
    let labels = gone_labels(script, line)?;
    let first = labels.split([',', ' ']).next().unwrap_or_default();
    Some(format!(
        "rows still have a label that this takes away ({labels}): give them another one in a migration before it, or generate it again with --rename ENUM.{first}:NEW if it \
         has another name now (`sequor migrate discard` takes it back)"
    ))
}

/// The rows that are there have no value, as the comment above said: `-- rows without a value in .. make this fail: say --fill ..`.
fn missing_value(script: &str, line: usize) -> Option<String> {
    let above: Vec<&str> = script.lines().take(line).collect();
    let fill = above.iter().rev().find_map(|line| line.strip_prefix("-- rows without a value in ")?.split_once("say "))?.1;
    Some(format!("there are rows without one: take this back with `sequor migrate discard` and generate it again, say {fill}"))
}

/// The labels that the nearest comment above says are lost: `-- loses label dim of ..`.
fn gone_labels(script: &str, line: usize) -> Option<&str> {
    let above: Vec<&str> = script.lines().take(line).collect();
    let said = above.iter().rev().find_map(|line| line.strip_prefix("-- loses "))?;
    let (_, labels) = said.split_once("label ").or_else(|| said.split_once("labels "))?;
    Some(labels.split_once(" of ").map_or(labels, |(labels, _)| labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_the_nearest_comment() {
        let script = "-- loses column a.b\nALTER TABLE a DROP b;\n-- loses labels dim, off of the enum lamp\nALTER TYPE lamp RENAME TO old;\nALTER TABLE a ALTER c TYPE lamp;";
        assert_eq!(gone_labels(script, 5), Some("dim, off"));
        assert_eq!(gone_labels(script, 2), None);
        assert_eq!(gone_labels("-- loses column a.x, label dim of a.state\nALTER ..", 2), Some("dim"));
        assert!(advice("22P02", script, 5).is_some_and(|text| text.contains("(dim, off)") && text.contains("--rename ENUM.dim:NEW")));
        let fill = "-- rows without a value in a.b make this fail: say --fill a.b=SQL to give them one\nCREATE ..";
        assert!(advice("23502", fill, 2).is_some_and(|text| text.ends_with("say --fill a.b=SQL to give them one")));
        assert!(advice("42501", "", 1).is_some_and(|text| text.contains("right")) && advice("42601", script, 5).is_none());
    }
}
