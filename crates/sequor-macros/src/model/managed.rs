//! The fields that Sequor fills by itself: `timestamps`, `paranoid`, `version`, `userstamps`. Each must be there.

use super::columns::ColumnField;
use crate::attributes::{Given, Options, known};
use crate::errors::Errors;
use crate::names;
use crate::types;
use proc_macro2::{Span, TokenStream};
use quote::quote;

/// The names of managed fields, as `StaticModel` takes them.
#[derive(Default)]
pub struct Managed {
    /// `created_at` and `updated_at`; empty where one is off.
    pub timestamps: Option<(String, String)>,
    /// The field of `paranoid`, and whether it is a flag.
    pub paranoid: Option<(String, bool)>,
    /// The field of `version`.
    pub version: Option<String>,
    /// `created_by` and `updated_by`; empty where one is off.
    pub userstamps: Option<(String, String)>,
}

struct Reader<'a> {
    columns: &'a [ColumnField],
    errors: &'a mut Errors,
}

/// Reads the four options and looks for their fields.
pub fn read(options: &Options, columns: &[ColumnField], errors: &mut Errors) -> Managed {
    let mut reader = Reader { columns, errors };
    Managed {
        timestamps: reader.stamps(options, "timestamps", ["created_at", "updated_at"], "DateTime<Utc>"),
        paranoid: reader.paranoid(options),
        version: reader.version(options),
        userstamps: reader.stamps(options, "userstamps", ["created_by", "updated_by"], "Option<i64>"),
    }
}

impl<'a> Reader<'a> {
    fn stamps(&mut self, options: &Options, option: &str, conventions: [&str; 2], ty: &str) -> Option<(String, String)> {
        let (place, given) = options.get(option)?;
        let list = match given {
            Given::List(tokens) => Options::nested(tokens.clone(), option, known::STAMPS, self.errors),
            _ => Options::default(),
        };
        let [created, updated] = [("created", conventions[0]), ("updated", conventions[1])].map(|(part, convention)| {
            let (name, span) = match list.get(part) {
                Some((_, Given::Bool(false))) => return String::new(),
                Some((_, Given::Text(text))) => (text.value(), text.span()),
                _ => (convention.to_owned(), place),
            };
            let way_out = format!("or write `{option}({part} = false)`");
            if self.needs(&name, span, option, ty, &way_out) { name } else { String::new() }
        });
        Some((created, updated))
    }

    fn paranoid(&mut self, options: &Options) -> Option<(String, bool)> {
        let (place, given) = options.get("paranoid")?;
        let list = match given {
            Given::List(tokens) => Options::nested(tokens.clone(), "paranoid", known::PARANOID, self.errors),
            _ => Options::default(),
        };
        if let Some(flag) = list.text("flag") {
            if let Some(second) = list.place("column") {
                self.errors.at(second, "`flag` and `column` exclude each other: a row is deleted by a flag or by a timestamp");
            }
            let name = flag.value();
            if !self.needs(&name, flag.span(), "paranoid", "bool", "or write the name of another field") {
                return None;
            }
            if let Some(column) = self.find(&name).filter(|column| !types::is(&column.ty, "bool")) {
                self.errors.over(&column.ty, format!("`paranoid(flag = \"{name}\")` needs a `bool`"));
            }
            return Some((name, true));
        }
        let (name, span) = list.text("column").map_or(("deleted_at".to_owned(), place), |text| (text.value(), text.span()));
        if !self.needs(&name, span, "paranoid", "Option<DateTime<Utc>>", "or write `paranoid(column = \"..\")`") {
            return None;
        }
        if let Some(column) = self.find(&name).filter(|column| !column.is_option()) {
            self.errors.over(&column.ty, format!("`{name}` is NULL while the row lives: `paranoid` needs an `Option<DateTime<Utc>>`"));
        }
        Some((name, false))
    }

    fn version(&mut self, options: &Options) -> Option<String> {
        let (place, _) = options.get("version")?;
        let (name, span) = options.text("version").map_or(("version".to_owned(), place), |text| (text.value(), text.span()));
        if !self.needs(&name, span, "version", "i32", "or write `version = \"..\"`") {
            return None;
        }
        if let Some(column) = self.find(&name).filter(|column| types::is_no_integer(&column.ty)) {
            self.errors.over(&column.ty, format!("`{name}` counts the writes of a row: `version` needs an integer such as `i32`"));
        }
        Some(name)
    }

    fn find(&self, name: &str) -> Option<&'a ColumnField> {
        self.columns.iter().find(|column| column.name == name)
    }

    fn needs(&mut self, name: &str, span: Span, option: &str, ty: &str, way_out: &str) -> bool {
        if self.find(name).is_some() {
            return true;
        }
        let fields: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let near = names::nearest(name, &fields).map(|near| format!(" (there is `{near}`)")).unwrap_or_default();
        self.errors.at(span, format!("`{option}` needs a field `{name}: {ty}`{near}: add it, {way_out}"));
        false
    }
}

impl Managed {
    /// Whether a field is filled by Sequor, so that a draft need not give it.
    pub fn fills(&self, name: &str) -> bool {
        let stamps = [&self.timestamps, &self.userstamps];
        stamps.into_iter().flatten().any(|(created, updated)| created == name || updated == name)
            || self.version.as_deref() == Some(name)
            || self.paranoid.as_ref().is_some_and(|(paranoid, _)| paranoid == name)
    }

    /// The fields of `StaticModel`.
    pub fn data(&self) -> Vec<TokenStream> {
        let mut fields = Vec::new();
        if let Some((created, updated)) = &self.timestamps {
            fields.push(quote!(timestamps: ::core::option::Option::Some((#created, #updated))));
        }
        if let Some((name, flag)) = &self.paranoid {
            fields.push(quote!(paranoid: ::core::option::Option::Some((#name, #flag))));
        }
        if let Some(name) = &self.version {
            fields.push(quote!(version: ::core::option::Option::Some(#name)));
        }
        if let Some((created, updated)) = &self.userstamps {
            fields.push(quote!(userstamps: ::core::option::Option::Some((#created, #updated))));
        }
        fields
    }
}
