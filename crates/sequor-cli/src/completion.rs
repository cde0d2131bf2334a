//! `sequor completions bash`: what a shell needs to complete commands.

use crate::command::{Context, Done, Outcome, line};
use clap::{Arg, Command};
use sequor_core::error::{Error, Result};

pub(crate) fn arguments(command: Command) -> Command {
    command.arg(Arg::new("shell").required(true).value_parser(clap::value_parser!(clap_complete::Shell)).help("The shell"))
}

pub(crate) fn run(cx: Context) -> Done {
    Box::pin(async move { write(&cx) })
}

fn write(cx: &Context) -> Result<Outcome> {
    let shell = *cx.matches.get_one::<clap_complete::Shell>("shell").ok_or_else(|| Error::usage("name a shell"))?;
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut line("sequor".into()), "sequor", &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    cx.console.say(text.trim_end());
    Ok(Outcome::data(serde_json::json!({ "shell": shell.to_string(), "script": text })))
}
