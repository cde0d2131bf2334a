//! [`Console`]: what people and programs see of a command: lines, JSON, colors, questions.

use crate::command::Outcome;
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where a command writes.
#[derive(Clone, Debug)]
pub struct Console {
    json: bool,
    yes: bool,
    confirm: Option<String>,
    colors: bool,
    details: bool,
    /// Whether a bar stands in the last line.
    bar: Arc<AtomicBool>,
}

impl Console {
    pub(crate) fn new(json: bool, yes: bool, confirm: Option<String>) -> Console {
        let colors = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Console { json, yes, confirm, colors, details: false, bar: Arc::default() }
    }

    /// Shows errors with all that is known of them.
    pub(crate) fn detailed(self, details: bool) -> Console {
        Console { details, ..self }
    }

    /// Writes a line for people; nothing with `--json`.
    pub fn say(&self, line: impl AsRef<str>) {
        if !self.json {
            // A reader that went away, as `head` does, is no failure of the command.
            let _ = writeln!(std::io::stdout(), "{}", line.as_ref());
        }
    }

    /// Writes a line for people beside the answer, on standard error.
    pub fn note(&self, line: &str) {
        let _ = writeln!(std::io::stderr(), "{}", self.warn(line));
    }

    /// Tells somebody who waits at a terminal.
    pub(crate) fn hint(&self, line: &str) {
        if std::io::stderr().is_terminal() {
            self.note(line);
        }
    }

    /// A text in green, on a terminal.
    pub fn good(&self, text: &str) -> String {
        self.paint("32", text)
    }

    /// A text in yellow, on a terminal.
    pub fn warn(&self, text: &str) -> String {
        self.paint("33", text)
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.colors { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// How far long work is: a bar on a terminal, nothing elsewhere.
    pub fn progress(&self, done: usize, total: usize) {
        if self.json || !std::io::stderr().is_terminal() || total == 0 {
            return;
        }
        let done = done.min(total);
        let width = 30 * done / total;
        self.bar.store(done < total, Ordering::Relaxed);
        let end = if done == total { "\r\u{1b}[K" } else { "" };
        let _ = write!(std::io::stderr(), "\r[{}{}] {done}/{total}{end}", "=".repeat(width), " ".repeat(30 - width));
    }

    /// Asks before something is destroyed. In production the name must be typed, or given by `--confirm`.
    ///
    /// # Errors
    /// `Usage` when the answer is no, or when nobody is there to answer.
    pub fn destroy(&self, what: &str, name: &str, environment: &str) -> Result<()> {
        if environment == "production" {
            let typed = match &self.confirm {
                Some(typed) => typed.clone(),
                None => self.ask(&format!("{what} in production. Type {name} to go on: "), &format!("--confirm {name}"))?,
            };
            return if typed == name { Ok(()) } else { Err(Error::usage(format!("{name} was not typed; nothing was done"))) };
        }
        if self.yes || self.confirm.as_deref() == Some(name) {
            return Ok(());
        }
        let answer = self.ask(&format!("{what}. Go on? [y/N] "), "--yes")?;
        if matches!(answer.to_lowercase().as_str(), "y" | "yes") { Ok(()) } else { Err(Error::usage("not confirmed; nothing was done")) }
    }

    /// Asks what only a person knows; no where nobody is there to answer.
    ///
    /// # Errors
    /// `Usage` when the terminal cannot be read.
    pub fn wonders(&self, question: &str) -> Result<bool> {
        if self.json || self.yes || !std::io::stdin().is_terminal() {
            return Ok(false);
        }
        let answer = self.ask(&format!("{question} [y/N] "), "")?;
        Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
    }

    fn ask(&self, question: &str, flag: &str) -> Result<String> {
        if !std::io::stdin().is_terminal() {
            let what = question.split(". ").next().unwrap_or_default();
            return Err(Error::usage(format!("{what}, and nobody is there to confirm it: say {flag}")));
        }
        eprint!("{question}");
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }

    pub(crate) fn finish(&self, outcome: &Outcome) {
        if self.json {
            let _ = writeln!(std::io::stdout(), "{}", outcome.data);
        } else if let Some(summary) = outcome.summary.as_ref().filter(|_| !outcome.failed) {
            self.say(summary);
        }
    }

    pub(crate) fn fail(&self, error: &Error) {
        if self.json {
            let _ = writeln!(std::io::stdout(), "{}", serde_json::json!({ "error": error.to_string(), "name": error.sequelize_name() }));
        }
        let word =
            if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() { "\u{1b}[31mERROR:\u{1b}[0m" } else { "ERROR:" };
        if self.bar.swap(false, Ordering::Relaxed) {
            // The bar of what failed.
            eprint!("\r\u{1b}[K");
        }
        if self.details {
            eprintln!("{word} {error:#}");
        } else {
            eprintln!("{word} {error}");
        }
        if matches!(error, Error::Connection(connection) if connection.kind == ConnectionErrorKind::UnknownDatabase) {
            eprintln!("Make it with `sequor db create`, or name another one with --url.");
        }
    }
}
