//! `migrations!`: the migrations of a folder, embedded into the program.
//!
//! A migration is a folder with `up.sql` and perhaps `down.sql`, or a pair of files `name.up.sql` and `name.down.sql`. `up.rs` and `down.rs` become modules of the
//! program, whose functions `up` and `down` run. A new migration is seen when the
//! crate is compiled again; a `build.rs` with `println!("cargo::rerun-if-changed=migrations")` makes that happen by itself.

use crate::errors::Errors;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use syn::LitStr;

/// The files of each migration, by name and by the file's own name.
type Found = BTreeMap<String, BTreeMap<String, PathBuf>>;

/// Expands `migrations!("migrations")`.
pub fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let code = read(input, &mut errors);
    let errors = errors.into_tokens();
    let code = code.unwrap_or_else(|| quote!(&[]));
    quote!({ #errors #code })
}

fn read(input: TokenStream, errors: &mut Errors) -> Option<TokenStream> {
    let folder = if input.is_empty() { LitStr::new("migrations", Span::call_site()) } else { errors.keep(syn::parse2::<LitStr>(input))? };
    let path = path_of(&folder);
    let mut found = Found::new();
    if let Err(error) = collect(&path, &mut found) {
        errors.at(
            folder.span(),
            format!(
                "the folder of migrations `{}` cannot be read: {error}; the path is relative to this crate's Cargo.toml",
                folder.value()
            ),
        );
        return None;
    }
    let migrations: Vec<_> = found.iter().filter_map(|(name, files)| migration(name, files, &folder, errors)).collect();
    let modules = found.iter().flat_map(|(name, files)| files.iter().filter_map(move |(file, path)| module(name, file, path)));
    Some(quote! {
        {
            #(#modules)*
            const MIGRATIONS: &[::sequor::__private::EmbeddedMigration] = &[#(#migrations),*];
            MIGRATIONS
        }
    })
}

fn path_of(folder: &LitStr) -> PathBuf {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    root.join(folder.value())
}

/// Whether a folder that can be read has migrations in Rust.
pub fn has_code(folder: &LitStr) -> bool {
    let mut found = Found::new();
    collect(&path_of(folder), &mut found).is_ok() && found.values().flat_map(BTreeMap::keys).any(|file| file.ends_with(".rs"))
}

fn collect(folder: &Path, found: &mut Found) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                let file = entry?.path();
                if let Some(file_name) = file.file_name().and_then(|name| name.to_str()).filter(|name| is_part(name)) {
                    found.entry(name.clone()).or_default().insert(file_name.to_owned(), file.clone());
                }
            }
        } else if let Some((migration, part)) = flat(&name) {
            found.entry(migration).or_default().insert(part, path);
        }
    }
    Ok(())
}

fn is_part(file: &str) -> bool {
    file.ends_with(".sql") || matches!(file, "up.rs" | "down.rs")
}

/// The name of the module that a file of Rust becomes: `migration_20240101000000_names_up`.
fn module_name(migration: &str, file: &str) -> syn::Ident {
    let plain: String = migration.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    quote::format_ident!("migration_{plain}_{}", file.trim_end_matches(".rs"))
}

fn module(migration: &str, file: &str, path: &Path) -> Option<TokenStream> {
    let name = file.ends_with(".rs").then(|| module_name(migration, file))?;
    let path = path.to_string_lossy();
    Some(quote! {
        #[path = #path]
        mod #name;
    })
}

/// The function of a file of Rust, as a field of the embedded migration.
fn code(migration: &str, direction: &str, files: &BTreeMap<String, PathBuf>) -> TokenStream {
    let file = format!("{direction}.rs");
    if !files.contains_key(&file) {
        return quote!(::core::option::Option::None);
    }
    let (module, function) = (module_name(migration, &file), quote::format_ident!("{direction}"));
    quote!(::core::option::Option::Some(|step| ::std::boxed::Box::pin(#module::#function(step))))
}

/// `0001_users.up.sql` is the file `up.sql` of `0001_users`, and so is `0001_users.sql`.
fn flat(name: &str) -> Option<(String, String)> {
    let stem = name.strip_suffix(".sql")?;
    Some(match stem.rsplit_once('.') {
        Some((migration, part)) => (migration.to_owned(), format!("{part}.sql")),
        None => (stem.to_owned(), "up.sql".to_owned()),
    })
}

fn migration(name: &str, files: &BTreeMap<String, PathBuf>, folder: &LitStr, errors: &mut Errors) -> Option<TokenStream> {
    let text = |path: &PathBuf| {
        let path = path.to_string_lossy().into_owned();
        quote!(::core::include_str!(#path))
    };
    for part in ["up", "down"] {
        if files.contains_key(&format!("{part}.rs"))
            && files.keys().any(|file| file.starts_with(&format!("{part}.")) && file.ends_with(".sql"))
        {
            errors
                .at(folder.span(), format!("the migration {name} has {part}.rs and SQL for the same direction: make two migrations of it"));
            return None;
        }
    }
    let up = match files.get("up.sql") {
        Some(path) => text(path),
        // Every database has a file of its own.
        None if files.keys().any(|file| file.starts_with("up.")) => quote!(""),
        None => {
            errors.at(folder.span(), format!("the migration {name} has neither up.sql nor up.rs"));
            return None;
        }
    };
    let down = files.get("down.sql").map(text);
    let down = down.map_or_else(|| quote!(::core::option::Option::None), |down| quote!(::core::option::Option::Some(#down)));
    Some(embedded(name, &up, &down, files, text))
}

fn embedded(
    name: &str,
    up: &TokenStream,
    down: &TokenStream,
    files: &BTreeMap<String, PathBuf>,
    text: impl Fn(&PathBuf) -> TokenStream,
) -> TokenStream {
    let others = files.iter().filter(|(file, _)| !matches!(file.as_str(), "up.sql" | "down.sql")).map(|(file, path)| {
        let text = text(path);
        quote!((#file, #text))
    });
    let (up_code, down_code) = (code(name, "up", files), code(name, "down", files));
    quote!(::sequor::__private::EmbeddedMigration {
        name: #name,
        up: #up,
        down: #down,
        others: &[#(#others),*],
        up_code: #up_code,
        down_code: #down_code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_files_belong_to_a_migration() {
        assert_eq!(flat("0001_users.up.sql"), Some(("0001_users".to_owned(), "up.sql".to_owned())));
        assert_eq!(flat("0001_users.sql"), Some(("0001_users".to_owned(), "up.sql".to_owned())));
        assert_eq!(flat("README.md"), None);
    }
}
