//! [`ServerMessage`]: the fields of an ErrorResponse or NoticeResponse that Sequor looks at.

/// An error or notice of the server. Decoding it never fails: what is missing is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerMessage {
    /// The server ends the connection with this error.
    pub(crate) fatal: bool,
    /// The severity, as the server names it.
    pub(crate) severity: String,
    /// SQLSTATE.
    pub(crate) code: String,
    /// The sentence; it may quote values.
    pub(crate) message: String,
    /// Names of the columns of the key that DETAIL speaks of; never its values.
    pub(crate) keys: Vec<String>,
    pub(crate) table: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) constraint: Option<String>,
    /// The function of the server that complains.
    pub(crate) routine: String,
}

impl ServerMessage {
    /// Reads the fields out of a message's body.
    #[cold]
    pub(crate) fn parse(body: &[u8]) -> ServerMessage {
        let mut message = ServerMessage::default();
        for field in body.split(|byte| *byte == 0) {
            let Some((kind, text)) = field.split_first() else { continue };
            let text = String::from_utf8_lossy(text.get(..text.len().min(8192)).unwrap_or(text)).into_owned();
            match kind {
                b'S' if message.severity.is_empty() => message.severity = text,
                b'V' => {
                    message.fatal = matches!(text.as_str(), "FATAL" | "PANIC");
                    message.severity = text;
                }
                b'C' => message.code = text,
                b'M' => message.message = text,
                // Other details hold a whole row between their parentheses. The code comes before the detail.
                b'D' if matches!(message.code.as_str(), "23505" | "23503") => message.keys = key_columns(&text),
                b't' => message.table = Some(text),
                b'c' => message.column = Some(text),
                b'n' => message.constraint = Some(text),
                b'R' => message.routine = text,
                _ => {}
            }
        }
        if matches!(message.severity.as_str(), "FATAL" | "PANIC") {
            message.fatal = true;
        }
        message
    }

    /// The sentence without the values that it quotes and without control characters.
    ///
    /// Errors about data (class 22) quote the datum; everything else quotes names. Domain and type checks quote names, too.
    pub(crate) fn safe_message(&self) -> String {
        let text = if self.code.starts_with("22") { without_quotes(&self.message) } else { self.message.clone() };
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
    }
}

/// Cuts `: "abc"` off, and what stands between quotes elsewhere, but for the name of a setting.
fn without_quotes(message: &str) -> String {
    let head = match message.find(": \"") {
        Some(place) => message.get(..place).unwrap_or_default(),
        None => message,
    };
    let mut safe = String::with_capacity(head.len());
    let (mut quoted, mut named) = (false, false);
    for letter in head.chars() {
        match letter {
            '"' if named || (!quoted && safe.ends_with("parameter ")) => {
                named = !named;
                safe.push('"');
            }
            '"' | '«' | '»' | '„' | '“' | '”' => {
                quoted = !quoted;
                if quoted {
                    safe.push('…');
                }
            }
            _ if quoted => {}
            other => safe.push(other),
        }
    }
    safe
}

/// The columns in `Key (a, "b c", lower(d))=(..) already exists.`, whatever language the words are in.
fn key_columns(detail: &str) -> Vec<String> {
    let Some(open) = detail.find('(') else { return Vec::new() };
    let inside = detail.get(open + 1..).unwrap_or_default();
    let (mut depth, mut quoted, mut start) = (0u32, false, 0);
    let mut columns = Vec::new();
    for (place, letter) in inside.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' if depth == 0 => {
                // A key is followed by its values.
                if !inside.get(place + 1..).is_some_and(|rest| rest.starts_with("=(")) {
                    return Vec::new();
                }
                columns.push(unquote(inside.get(start..place).unwrap_or_default()));
                return columns;
            }
            ')' => depth -= 1,
            ',' if depth == 0 => {
                columns.push(unquote(inside.get(start..place).unwrap_or_default()));
                start = place + 1;
            }
            _ => {}
        }
    }
    Vec::new()
}

fn unquote(name: &str) -> String {
    let name = name.trim();
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}
