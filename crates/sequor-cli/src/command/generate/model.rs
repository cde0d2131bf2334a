//! `sequor model generate`

use super::{given_name, name_argument, write, write_new};
use crate::command::{Command, Context, Done, Outcome};
use clap::{Arg, ArgAction};
use sequor_core::error::{Error, Result};
use serde_json::json;
use std::path::Path;

pub(crate) const COMMAND: Command = Command {
    path: "model generate",
    aliases: &["model:generate", "model:create"],
    about: "Write a model with these fields into src/models",
    examples: "sequor model generate User name:string email:string:unique age:integer?\nsequor model:generate --name User --attributes name:string,role:enum:{admin,nurse}",
    in_project: false,
    arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx) }) },
};

fn arguments(command: clap::Command) -> clap::Command {
    name_argument(command, "The model: User")
        .arg(
            Arg::new("field")
                .value_name("FIELD")
                .num_args(0..)
                .help("name:type, with :unique, :index or :primary_key behind; a type with ? may be NULL"),
        )
        .arg(Arg::new("attributes").long("attributes").value_name("LIST").help("The same, as Sequelize has it, between commas"))
        .arg(Arg::new("force").long("force").action(ArgAction::SetTrue).help("Write over the model that is there"))
        .arg(Arg::new("underscored").long("underscored").action(ArgAction::SetTrue).hide(true))
}

struct Field {
    name: String,
    ty: String,
    options: Vec<&'static str>,
    labels: Vec<String>,
}

fn run(cx: &Context) -> Result<Outcome> {
    let name = given_name(cx)?;
    let model = pascal(&name);
    let mut texts = cx.texts("field");
    texts.extend(cx.text("attributes").map(attributes).unwrap_or_default());
    let fields = texts.iter().map(|text| field(&model, text)).collect::<Result<Vec<_>>>()?;
    let module = snake(&model);
    let folder = cx.text("models-path").unwrap_or("src/models").trim_end_matches('/').to_owned();
    let path = Path::new(&folder).join(format!("{module}.rs"));
    let text = source(&model, &fields);
    if cx.flag("force") {
        write(&path, &text)?;
    } else {
        write_new(&path, &text).map_err(|error| Error::usage(format!("{error}; --force writes over it")))?;
    }
    register(&folder, &module, &model)?;
    let shown = path.display().to_string();
    let line = format!("New model was created at {shown} .\nIts table comes with a migration: sequor migrate generate create-{module}");
    Ok(Outcome::said(line, json!({ "model": model, "path": shown, "fields": fields.len() })))
}

/// Splits at commas outside of braces, and at spaces.
fn attributes(text: &str) -> Vec<String> {
    let (mut found, mut now, mut depth) = (Vec::new(), String::new(), 0);
    for letter in text.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' | ' ' if depth == 0 => {
                found.push(std::mem::take(&mut now));
                continue;
            }
            _ => {}
        }
        now.push(letter);
    }
    found.push(now);
    found.retain(|text| !text.is_empty());
    found
}

fn field(model: &str, text: &str) -> Result<Field> {
    let mut parts = text.split(':');
    let name = snake(parts.next().unwrap_or_default());
    let given = parts.next().unwrap_or("string");
    let (kind, nullable) = given.strip_suffix('?').map_or((given, false), |kind| (kind, true));
    let mut field = Field { name, ty: String::new(), options: Vec::new(), labels: Vec::new() };
    let ty = match kind {
        "enum" => {
            let labels = parts.next().unwrap_or_default().trim_matches(['{', '}']);
            field.labels = labels.split(',').map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned).collect();
            if field.labels.is_empty() {
                return Err(Error::usage(format!("{text}: an enum has labels: {}:enum:{{first,second}}", field.name)));
            }
            format!("{model}{}", pascal(&field.name))
        }
        "array" => format!("Vec<{}>", rust_type(parts.next().unwrap_or("string"), text)?),
        other => rust_type(other, text)?.to_owned(),
    };
    for option in parts {
        field.options.push(match option {
            "unique" => "unique",
            "index" => "index",
            "primary_key" | "primaryKey" => "primary_key",
            other => return Err(Error::usage(format!("{text}: {other} is no option; there are unique, index and primary_key"))),
        });
    }
    field.ty = if nullable { format!("Option<{ty}>") } else { ty };
    Ok(field)
}

fn rust_type(kind: &str, text: &str) -> Result<&'static str> {
    Ok(match kind.to_lowercase().as_str() {
        "string" | "text" | "citext" => "String",
        "integer" | "int" => "i32",
        "bigint" => "i64",
        "smallint" => "i16",
        "boolean" | "bool" => "bool",
        "float" | "real" => "f32",
        "double" => "f64",
        "decimal" | "numeric" => "Decimal",
        "uuid" => "Uuid",
        "date" | "datetime" | "timestamp" => "DateTime<Utc>",
        "dateonly" => "NaiveDate",
        "time" => "NaiveTime",
        "json" | "jsonb" => "Json",
        "blob" | "binary" => "Vec<u8>",
        other => {
            return Err(Error::usage(format!(
                "{text}: there is no type {other}; there are string, text, integer, bigint, smallint, boolean, float, double, decimal, uuid, date, dateonly, time, json, blob, enum:{{..}} and array:type"
            )));
        }
    })
}

fn source(model: &str, fields: &[Field]) -> String {
    let mut text = format!(
        "//! The model {model}.\n\nuse sequor::prelude::*;\n\n#[derive(Model, Clone, Debug, PartialEq)]\n#[model(timestamps)]\npub struct {model} {{\n"
    );
    if !fields.iter().any(|field| field.options.contains(&"primary_key")) {
        text.push_str("    #[field(primary_key, auto_increment)]\n    pub id: i64,\n");
    }
    for field in fields {
        if !field.options.is_empty() {
            text.push_str(&format!("    #[field({})]\n", field.options.join(", ")));
        }
        text.push_str(&format!("    pub {}: {},\n", field.name, field.ty));
    }
    text.push_str("    pub created_at: DateTime<Utc>,\n    pub updated_at: DateTime<Utc>,\n}\n");
    for field in fields.iter().filter(|field| !field.labels.is_empty()) {
        let name = format!("{model}{}", pascal(&field.name));
        let labels: Vec<String> = field.labels.iter().map(|label| pascal(label)).collect();
        text.push_str(&format!(
            "\n#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]\n#[db_enum(name = \"{}\", rename_all = \"snake_case\")]\npub enum {name} {{\n    {},\n}}\n",
            snake(&name),
            labels.join(",\n    ")
        ));
    }
    text
}

/// Adds the module and the model to `src/models.rs`, beside the folder.
fn register(folder: &str, module: &str, model: &str) -> Result<()> {
    let path = format!("{folder}.rs");
    let path = Path::new(&path);
    let text = std::fs::read_to_string(path).unwrap_or_default();
    if text.contains(&format!("mod {module};")) {
        return Ok(());
    }
    let line = format!("mod {module};\npub use {module}::{model};\n");
    let text = match text.split_once("models!(pub type All = ") {
        Some((before, list)) => format!("{before}models!(pub type All = {model}, {list}{line}"),
        None => format!(
            "{text}{}{line}\nsequor::models!(pub type All = {model});\n",
            if text.is_empty() { "//! The models.\n\n" } else { "\n" }
        ),
    };
    write(path, &text)
}

fn pascal(name: &str) -> String {
    let mut made = String::new();
    for word in name.split(['-', '_', ' ']) {
        let mut letters = word.chars();
        made.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        made.push_str(letters.as_str());
    }
    made
}

fn snake(name: &str) -> String {
    let mut made = String::new();
    let mut lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && lower {
            made.push('_');
        }
        lower = letter.is_lowercase() || letter.is_ascii_digit();
        made.extend(if letter == '-' { '_' } else { letter }.to_lowercase());
    }
    made
}

#[cfg(test)]
mod tests {
    use super::{attributes, field, snake, source};

    #[test]
    fn fields_become_rust() {
        let texts = attributes("firstName:string,email:string:unique age:integer?,role:enum:{admin,school-nurse},tags:array:text");
        let fields: Vec<_> = texts.iter().map(|text| field("User", text).unwrap()).collect();
        let text = source("User", &fields);
        for line in [
            "pub first_name: String,",
            "#[field(unique)]\n    pub email: String,",
            "pub age: Option<i32>,",
            "pub role: UserRole,",
            "pub tags: Vec<String>,",
            "pub enum UserRole {\n    Admin,\n    SchoolNurse,\n}",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert!(field("User", "a:colour").err().unwrap().to_string().contains("there is no type colour"));
        assert_eq!(snake("ApiRequest"), "api_request");
    }
}
