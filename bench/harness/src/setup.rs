//! The tables of all databases, as plain SQL, so that no contender chooses the types.

/// How a database spells what differs.
pub struct Spelling {
    /// The type of a key that counts up.
    pub key: &'static str,
    pub text: &'static str,
    pub number: &'static str,
    pub truth: &'static str,
    pub instant: &'static str,
    /// `FROM` with the numbers from 1 to `{n}` as `i`.
    pub numbers: &'static str,
    /// A text in front of a number: `{t}` and `{i}`.
    pub joined: &'static str,
    /// An instant `i` minutes after the beginning of 2024.
    pub minutes: &'static str,
    /// Whole division.
    pub div: &'static str,
}

/// The statements that make the tables; `events` with its million rows only where it is asked for.
pub fn statements(spelling: &Spelling, events: bool) -> Vec<String> {
    let Spelling { key, text, number, truth, instant, minutes, div, .. } = spelling;
    let from = |count: u32| spelling.numbers.replace("{n}", &count.to_string());
    let joined = |words: &str, expression: &str| spelling.joined.replace("{t}", words).replace("{i}", expression);
    let mut all: Vec<String> =
        ["marks", "replies", "comments", "post_tags", "tags", "posts", "users", "events", "wide", "inserted", "people"]
            .map(|table| format!("DROP TABLE IF EXISTS {table}"))
            .into();
    let columns = format!(
        "id {key}, name {text} NOT NULL, email {text} NOT NULL, age int, score {number} NOT NULL, active {truth} NOT NULL, bio text, created_at {instant} NOT NULL"
    );
    all.push(format!("CREATE TABLE people({columns})"));
    all.push(format!("CREATE TABLE inserted({columns})"));
    let (name, email) = (joined("User ", "i"), joined("user", "i"));
    let email = email_of(&email, spelling);
    all.push(format!(
        "INSERT INTO people SELECT i, {name}, {email}, CASE WHEN i%7=0 THEN NULL ELSE i%90 END, i*0.5, i%2=0, CASE WHEN i%3=0 THEN NULL ELSE '{}' END, {minutes} {}",
        "bio ".repeat(10),
        from(10_000)
    ));
    wide(spelling, &mut all, &from(10_000), &joined);
    all.push(format!("CREATE TABLE users(id {key}, name {text} NOT NULL, email {text} NOT NULL, age int)"));
    all.push(format!("INSERT INTO users SELECT i, {name}, {email}, i%90 {}", from(1_000)));
    all.push(format!(
        "CREATE TABLE posts(id {key}, user_id int NOT NULL, title {text} NOT NULL, body text, created_at {instant} NOT NULL)"
    ));
    let title = joined("Post number ", "i");
    all.push(format!("INSERT INTO posts SELECT i, (i-1) {div} 10+1, {title}, '{}', {minutes} {}", "body text ".repeat(8), from(10_000)));
    all.push(format!("CREATE TABLE tags(id {key}, name {text} NOT NULL)"));
    all.push(format!("INSERT INTO tags SELECT i, {} {}", joined("tag ", "i"), from(100)));
    all.push("CREATE TABLE post_tags(post_id int NOT NULL, tag_id int NOT NULL, PRIMARY KEY(post_id, tag_id))".to_owned());
    all.push(format!("INSERT INTO post_tags SELECT (i-1) {div} 3+1, (i*7)%100+1 {}", from(30_000)));
    all.push(format!("CREATE TABLE comments(id {key}, post_id int NOT NULL, author {text} NOT NULL, text text NOT NULL)"));
    let (author, words) = (joined("author ", "i%100"), joined("A comment of some words, number ", "i"));
    all.push(format!("INSERT INTO comments SELECT i, (i-1) {div} 5+1, {author}, {words} {}", from(50_000)));
    all.push(format!("CREATE TABLE replies(id {key}, comment_id int NOT NULL, text {text} NOT NULL)"));
    all.push(format!("INSERT INTO replies SELECT i, (i-1) {div} 2+1, {} {}", joined("A reply, number ", "i"), from(10_000)));
    all.push(format!("CREATE TABLE marks(id {key}, reply_id int NOT NULL, value int NOT NULL)"));
    all.push(format!("INSERT INTO marks SELECT i, (i-1) {div} 2+1, i%5 {}", from(20_000)));
    for (table, column) in
        [("posts", "user_id"), ("comments", "post_id"), ("replies", "comment_id"), ("marks", "reply_id"), ("post_tags", "tag_id")]
    {
        all.push(format!("CREATE INDEX {table}_{column} ON {table}({column})"));
    }
    all.push(format!("CREATE TABLE events(id {key}, kind {text} NOT NULL, amount {number} NOT NULL)"));
    if events {
        all.push(format!("INSERT INTO events SELECT i, {}, i*0.25 {}", joined("kind ", "i%20"), from(1_000_000)));
    }
    all
}

fn email_of(joined: &str, spelling: &Spelling) -> String {
    if spelling.joined.starts_with("CONCAT") { format!("CONCAT({joined}, '@example.com')") } else { format!("{joined}||'@example.com'") }
}

fn wide(spelling: &Spelling, all: &mut Vec<String>, from: &str, joined: &dyn Fn(&str, &str) -> String) {
    let Spelling { key, text, number, truth, .. } = spelling;
    let (mut columns, mut values) = (format!("id {key}"), "i".to_owned());
    for name in crate::data::WIDE.split(", ").skip(1) {
        let (kind, at) = name.split_at(1);
        let (column, value) = match kind {
            "t" => (format!("{text} NOT NULL"), joined(&format!("text {at} of row "), "i")),
            "i" => ("int NOT NULL".to_owned(), format!("i+{at}")),
            "f" => (format!("{number} NOT NULL"), format!("i*0.5+{at}")),
            "b" => (format!("{truth} NOT NULL"), format!("(i+{at})%2=0")),
            _ => ("text".to_owned(), format!("CASE WHEN (i+{at})%3=0 THEN NULL ELSE 'a note of some words' END")),
        };
        columns.push_str(&format!(", {name} {column}"));
        values.push_str(&format!(", {value}"));
    }
    all.push(format!("CREATE TABLE wide({columns})"));
    all.push(format!("INSERT INTO wide SELECT {values} {from}"));
}
