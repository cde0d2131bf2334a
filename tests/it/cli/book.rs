//! The tutorials of the book, executed: every command as it stands there, and what it answers.
//!
//! A block `console` holds commands behind `$ ` and, below each, lines of its answer in their order. A block whose language is followed by a file's name
//! (```` ```js migrations/1.js ````) writes that file. Times do not count, nor the stamp of names that are made while the tutorial runs.

use super::{Project, Ran, steady};
use std::process::Command;

/// A tutorial under way.
pub struct Book<'a> {
    project: &'a Project,
    /// How a command's program is started: its name in the book, the command for it.
    programs: Vec<(&'a str, Box<dyn Fn(&Project) -> Command + 'a>)>,
}

impl<'a> Book<'a> {
    pub fn new(project: &'a Project) -> Book<'a> {
        Book { project, programs: Vec::new() }
    }

    pub fn program(mut self, name: &'a str, start: impl Fn(&Project) -> Command + 'a) -> Book<'a> {
        self.programs.push((name, Box::new(start)));
        self
    }

    /// Goes through a chapter.
    pub fn run(&self, chapter: &str) {
        let mut lines = chapter.lines();
        while let Some(line) = lines.next() {
            let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
            let block: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            match info.split_once(' ') {
                Some((_, file)) => self.project.file(file, &format!("{}\n", block.join("\n"))),
                None if info == "console" => self.console(&block),
                None => {}
            }
        }
    }

    fn console(&self, block: &[&str]) {
        let mut lines = block.iter().peekable();
        while let Some(line) = lines.next() {
            let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("no command: {line}"));
            let mut expected = Vec::new();
            while let Some(answer) = lines.next_if(|line| !line.starts_with("$ ")) {
                expected.push(*answer);
            }
            self.command(command, &expected);
        }
    }

    fn command(&self, text: &str, expected: &[&str]) {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let mut variables = Vec::new();
        while let Some((name, value)) = words[0].split_once('=') {
            variables.push((name, value));
            words.remove(0);
        }
        let Some((name, start)) = self.programs.iter().find(|(name, _)| words.join(" ").starts_with(name)) else {
            panic!("unknown: {text}")
        };
        let mut command = start(self.project);
        command.args(words.join(" ")[name.len()..].split_whitespace()).envs(variables);
        let Ran { status, out, error } = self.project.finish(command);
        let answer = unstamped(&format!("{out}{error}"));
        let mut rest = answer.as_str();
        for line in expected.iter().filter(|line| !line.is_empty() && **line != "..") {
            let wanted = unstamped(&steady(line));
            let Some((_, after)) = rest.split_once(wanted.trim_end()) else {
                panic!("{text} (status {status}) does not say\n{line}\nbut\n{answer}")
            };
            rest = after;
        }
        let fails = expected.iter().any(|line| line.starts_with("ERROR"));
        assert_eq!(status != 0, fails, "{text}: {answer}");
    }
}

/// Names that begin with the time at which they were made differ each time: `20240101120000-x` is `STAMP-x` when the time is of this century and not a full hour.
fn unstamped(text: &str) -> String {
    let mut made = String::new();
    let mut digits = String::new();
    for letter in text.chars().chain(['\u{0}']) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        let is_stamp = digits.len() == 14 && letter == '-' && !digits.ends_with("000000");
        made.push_str(if is_stamp { "STAMP" } else { &digits });
        digits.clear();
        if letter != '\u{0}' {
            made.push(letter);
        }
    }
    made
}
