//! Every public item of the facade, and every terminal method of its types, has an example that the documentation's tests run; every trait of it has a
//! message of its own for the compiler.
//!
//! What a macro of the crate makes (operators, hooks of one kind) is not seen here: the item that it belongs to shows some of it.

use super::Finding;
use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, Item, Signature, TraitItem, UseTree, Visibility};

const FACADE: &str = "crates/sequor/src/lib.rs";

/// The items that the facade re-exports, each with the folder of the crate that it comes from.
pub struct Exports(Vec<(String, String)>);

impl Exports {
    /// Reads the facade. Names that are hidden, and those of whole modules, are left out.
    pub fn read(facade: &str) -> Exports {
        let mut found = Vec::new();
        for item in syn::parse_file(facade).map(|file| file.items).unwrap_or_default() {
            if let Item::Use(item) = item
                && matches!(item.vis, Visibility::Public(_))
            {
                names(&item.tree, None, &mut found);
            }
        }
        Exports(found)
    }

    /// Of this repository's facade.
    pub fn of_the_facade() -> Exports {
        Exports::read(&std::fs::read_to_string(FACADE).unwrap_or_default())
    }

    fn has(&self, path: &str, name: &str) -> bool {
        self.0.iter().any(|(folder, known)| known == name && path.starts_with(folder.as_str()))
    }
}

fn names(tree: &UseTree, folder: Option<&str>, found: &mut Vec<(String, String)>) {
    match (tree, folder) {
        (UseTree::Path(path), None) => names(&path.tree, Some(&format!("crates/{}/", path.ident.to_string().replace('_', "-"))), found),
        (UseTree::Path(path), folder) => names(&path.tree, folder, found),
        (UseTree::Group(group), folder) => group.items.iter().for_each(|tree| names(tree, folder, found)),
        (UseTree::Name(name), Some(folder)) => found.push((folder.to_owned(), name.ident.to_string())),
        (UseTree::Rename(name), Some(folder)) => found.push((folder.to_owned(), name.ident.to_string())),
        _ => {}
    }
}

/// Checks one file.
pub fn check(path: &str, content: &str, exports: &Exports) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A crate of macros has its public functions in one file.
    let public = !path.starts_with("crates/sequor-macros/") || path.ends_with("/lib.rs");
    if path.starts_with("crates/") && path.contains("/src/") && public {
        items(&syn::parse_file(content).map(|file| file.items).unwrap_or_default(), path, exports, &mut findings);
    }
    findings
}

fn items(list: &[Item], path: &str, exports: &Exports, findings: &mut Vec<Finding>) {
    let is_public = |vis: &Visibility| matches!(vis, Visibility::Public(_));
    for item in list {
        let shown = match item {
            Item::Struct(item) if is_public(&item.vis) => Some((&item.ident, &item.attrs)),
            Item::Enum(item) if is_public(&item.vis) => Some((&item.ident, &item.attrs)),
            Item::Trait(item) if is_public(&item.vis) => Some((&item.ident, &item.attrs)),
            Item::Type(item) if is_public(&item.vis) => Some((&item.ident, &item.attrs)),
            Item::Fn(item) if is_public(&item.vis) => Some((&item.sig.ident, &item.attrs)),
            _ => None,
        };
        if let Some((ident, attributes)) = shown
            && exports.has(path, &ident.to_string())
            && lacks(attributes)
        {
            findings.push(finding(path, ident.span().start().line, ident.to_string()));
        }
        if let Item::Trait(item) = item
            && is_public(&item.vis)
            && exports.has(path, &item.ident.to_string())
            && !item.attrs.iter().any(speaks)
        {
            findings.push(silent(path, item));
        }
        match item {
            Item::Impl(block) if block.trait_.is_none() => {
                let Some(owner) = owner(&block.self_ty).filter(|owner| exports.has(path, owner)) else { continue };
                for item in &block.items {
                    if let ImplItem::Fn(method) = item
                        && is_public(&method.vis)
                        && is_terminal(&method.sig)
                        && lacks(&method.attrs)
                    {
                        findings.push(finding(path, method.sig.span().start().line, format!("{owner}::{}", method.sig.ident)));
                    }
                }
            }
            Item::Trait(block) if is_public(&block.vis) && exports.has(path, &block.ident.to_string()) => {
                for item in &block.items {
                    if let TraitItem::Fn(method) = item
                        && is_terminal(&method.sig)
                        && lacks(&method.attrs)
                    {
                        findings.push(finding(path, method.sig.span().start().line, format!("{}::{}", block.ident, method.sig.ident)));
                    }
                }
            }
            Item::Mod(module) => {
                if let Some((_, list)) = &module.content {
                    items(list, path, exports, findings);
                }
            }
            _ => {}
        }
    }
}

fn finding(path: &str, line: usize, name: String) -> Finding {
    let mend = "show it in a few lines of its documentation, on sqlite::memory: where it needs a database";
    Finding { rule: "example", path: path.to_owned(), line, what: format!("{name} has no example"), mend }
}

/// Whether an attribute says what the compiler tells of types that lack a trait.
fn speaks(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == "on_unimplemented")
}

fn silent(path: &str, item: &syn::ItemTrait) -> Finding {
    let mend = "say by `#[diagnostic::on_unimplemented(..)]` what the type is not, and what to write";
    let what = format!("the compiler has no words for a type that is no {}", item.ident);
    Finding { rule: "diagnostic", path: path.to_owned(), line: item.ident.span().start().line, what, mend }
}

fn owner(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

/// Whether it does something: what is awaited.
fn is_terminal(signature: &Signature) -> bool {
    let future = |bound: &syn::TypeParamBound| match bound {
        syn::TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|segment| segment.ident == "Future"),
        _ => false,
    };
    let returns = match &signature.output {
        syn::ReturnType::Type(_, ty) => match &**ty {
            syn::Type::ImplTrait(ty) => ty.bounds.iter().any(future),
            syn::Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "BoxFuture"),
            _ => false,
        },
        syn::ReturnType::Default => false,
    };
    signature.asyncness.is_some() || returns
}

/// Whether the documentation, where there is to be some, has no block of code that is compiled.
fn lacks(attributes: &[Attribute]) -> bool {
    let mut open = false;
    let mut shown = false;
    for attribute in attributes {
        let syn::Meta::NameValue(pair) = &attribute.meta else {
            if attribute.path().is_ident("doc")
                && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string().contains("hidden"))
            {
                return false;
            }
            continue;
        };
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else { continue };
        for line in text.value().lines() {
            if let Some(language) = line.trim().strip_prefix("```") {
                open = !open;
                shown |= open && matches!(language.trim(), "" | "rust" | "no_run");
            }
        }
    }
    !shown
}

#[cfg(test)]
mod tests {
    use super::{Exports, check};

    #[test]
    fn items_and_terminals_of_the_facade_need_an_example() {
        let exports = Exports::read("pub use sequor_orm::db::{Db, Pool as Limits};\nuse sequor_orm::Hidden;\n");
        let shown = "/// One.\n///\n/// ```\n/// one();\n/// ```\n";
        let code = format!(
            "pub struct Db;\n{shown}pub struct Pool;\npub struct Hidden;\nimpl Db {{\npub async fn a() {{}}\n{shown}pub async fn b() {{}}\n\
             pub fn c() -> impl Future<Output = ()> + Send {{}}\npub fn d() {{}}\nasync fn e() {{}}\n}}\n"
        );
        let whats = |path: &str| check(path, &code, &exports).into_iter().map(|finding| finding.what).collect::<Vec<_>>();
        assert_eq!(whats("crates/sequor-orm/src/db.rs"), ["Db has no example", "Db::a has no example", "Db::c has no example"]);
        assert!(whats("crates/sequor-core/src/db.rs").is_empty());
    }

    #[test]
    fn traits_of_the_facade_have_words_for_the_compiler() {
        let exports = Exports::read("pub use sequor_orm::{Loud, Silent};");
        let shown = "/// ```\n/// one();\n/// ```\n";
        let code = format!(
            "{shown}#[diagnostic::on_unimplemented(message = \"no\")]\npub trait Loud {{}}\n{shown}pub trait Silent {{}}\npub trait Own {{}}"
        );
        let findings = check("crates/sequor-orm/src/a.rs", &code, &exports);
        let found: Vec<_> = findings.iter().map(|finding| (finding.rule, finding.what.as_str())).collect();
        assert_eq!(found, [("diagnostic", "the compiler has no words for a type that is no Silent")]);
    }

    #[test]
    fn text_is_no_example() {
        let exports = Exports::read("pub use sequor_orm::a;");
        let check = |language: &str| {
            check("crates/sequor-orm/src/a.rs", &format!("/// ```{language}\n/// x\n/// ```\npub fn a() {{}}"), &exports).len()
        };
        assert_eq!((check("text"), check("no_run"), check("")), (1, 0, 0));
    }
}
