//! Names: the cases that `rename_all` knows, the nearest known name of a misspelt one, the constant of a field.

use proc_macro2::{Ident, Span};

/// The styles of `rename_all` for columns and JSON names.
pub const COLUMN_STYLES: &[&str] = &["camelCase", "snake_case", "PascalCase", "SCREAMING_SNAKE_CASE", "kebab-case"];

/// The styles of `rename_all` for the labels of an enum.
pub const LABEL_STYLES: &[&str] =
    &["camelCase", "snake_case", "PascalCase", "SCREAMING_SNAKE_CASE", "kebab-case", "lowercase", "UPPERCASE"];

/// `HTTPServerName` → `http_server_name`, as the ORM does it.
pub fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut text = String::with_capacity(name.len() + 4);
    for (place, letter) in letters.iter().enumerate() {
        if letter.is_uppercase() && place > 0 {
            let before = letters[place - 1];
            let next_is_lower = letters.get(place + 1).is_some_and(|next| next.is_lowercase());
            if (before.is_lowercase() || before.is_numeric() || (before.is_uppercase() && next_is_lower)) && !text.ends_with('_') {
                text.push('_');
            }
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// The label of an enum's variant in a style.
pub fn label(name: &str, style: &str) -> String {
    let snake = snake_case(name);
    match style {
        "lowercase" => name.to_lowercase(),
        "UPPERCASE" => name.to_uppercase(),
        "snake_case" => snake,
        "SCREAMING_SNAKE_CASE" => snake.to_uppercase(),
        "kebab-case" => snake.replace('_', "-"),
        "camelCase" => {
            let mut words = snake.split('_');
            let first = words.next().unwrap_or_default().to_owned();
            words.fold(first, |text, word| text + &capital(word))
        }
        "PascalCase" => snake.split('_').map(capital).collect(),
        _ => name.to_owned(),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A field's name without `r#`.
pub fn plain(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

/// The constant of a field: `created_at` → `CREATED_AT`.
pub fn constant(ident: &Ident) -> Ident {
    Ident::new(&snake_case(&plain(ident)).to_uppercase(), ident.span())
}

/// A name of the macro's own, which no name of the program meets.
pub fn own(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The known name that was probably meant.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let folded = fold(name);
    let distance = |other: &&'a str| edits(&folded, &fold(other));
    let best = known.iter().min_by_key(|other| distance(other)).copied()?;
    (distance(&best) * 3 <= folded.len().max(3)).then_some(best)
}

/// `did you mean ..` and the list of what is known, for the end of a message.
pub fn instead(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) if known.len() > 40 => format!(": did you mean `{near}`?"),
        Some(near) => format!(": did you mean `{near}`? (known: {})", known.join(", ")),
        None => format!(" (known: {})", known.join(", ")),
    }
}

fn fold(name: &str) -> String {
    name.chars().filter(|letter| !matches!(letter, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// The number of letters to insert, remove, replace or swap with their neighbour to come from one text to the other.
fn edits(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for line in 0..from.len() {
        let mut row = vec![line + 1];
        for place in 0..to.len() {
            let same = from[line] == to[place];
            let mut best = (rows[line][place] + usize::from(!same)).min(rows[line][place + 1] + 1).min(row[place] + 1);
            if line > 0 && place > 0 && from[line] == to[place - 1] && from[line - 1] == to[place] {
                best = best.min(rows[line - 1][place - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        assert_eq!(label("SchoolAdmin", "SCREAMING_SNAKE_CASE"), "SCHOOL_ADMIN");
        assert_eq!(label("SchoolAdmin", "camelCase"), "schoolAdmin");
        assert_eq!(label("SchoolAdmin", "kebab-case"), "school-admin");
        assert_eq!(label("SchoolAdmin", ""), "SchoolAdmin");
        assert_eq!(snake_case("HTTPServerName"), "http_server_name");
        assert_eq!(snake_case("createdAt"), "created_at");
    }

    #[test]
    fn the_nearest_name() {
        let known = ["primary_key", "auto_increment", "unique"];
        assert_eq!(nearest("primery_key", &known), Some("primary_key"));
        assert_eq!(nearest("autoIncrement", &known), Some("auto_increment"));
        assert_eq!(nearest("unqiue", &known), Some("unique"));
        assert_eq!(nearest("tabel", &["table", "schema"]), Some("table"));
        assert_eq!(nearest("colour", &known), None);
    }
}
