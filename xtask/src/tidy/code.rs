//! Norms that need the syntax of a file: lengths, parameters, panics, imports, SQL text, test attributes.

use super::{Counts, Finding};
use proc_macro2::{Span, TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

const FILE: usize = 600;
const FILE_AIM: usize = 300;
const FUNCTION: usize = 80;
const FUNCTION_AIM: usize = 40;
const PARAMETERS: usize = 6;
const PANICS: [&str; 5] = ["panic", "todo", "unimplemented", "unreachable", "dbg"];
/// Split, so that this file does not find itself.
const STAR: &str = concat!("SELECT", " *");

/// Checks one file of Rust.
pub fn check(path: &str, content: &str, counts: &mut Counts) -> Vec<Finding> {
    let is_test = path.split('/').any(|part| part == "tests" || part == "tests.rs") || path.starts_with("tests/");
    let mut walk = Walk { path, tests: usize::from(is_test), constants: 0, test_lines: BTreeSet::new(), counts, findings: Vec::new() };
    match syn::parse_file(content) {
        Ok(file) => walk.visit_file(&file),
        Err(error) => walk.find("syntax", error.span(), format!("does not parse: {error}"), "mend the syntax"),
    }
    let length = content.lines().count().saturating_sub(walk.test_lines.len());
    walk.counts.long_files += usize::from(length > FILE_AIM);
    if length > FILE {
        let what = format!("{length} lines without tests, at most {FILE} are allowed");
        walk.findings.push(Finding { rule: "file-length", path: path.into(), line: 1, what, mend: "give a part of it its own file" });
    }
    walk.findings
}

struct Walk<'a> {
    path: &'a str,
    /// How many items around this one are for tests.
    tests: usize,
    /// How many items around this one are evaluated by the compiler.
    constants: usize,
    test_lines: BTreeSet<usize>,
    counts: &'a mut Counts,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn find(&mut self, rule: &'static str, place: Span, what: String, mend: &'static str) {
        self.findings.push(Finding { rule, path: self.path.to_owned(), line: place.start().line, what, mend });
    }

    /// Code that runs in a user's program.
    fn is_library(&self) -> bool {
        self.path.starts_with("crates/") && self.tests == 0 && self.constants == 0
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let lines = block.span().end().line + 1 - signature.fn_token.span.start().line;
        self.counts.long_functions += usize::from(lines > FUNCTION_AIM);
        if lines > FUNCTION {
            let what = format!("{} has {lines} lines, at most {FUNCTION} are allowed", signature.ident);
            self.find("function-length", signature.fn_token.span, what, "give its steps names of their own");
        }
        self.parameters(signature);
    }

    fn parameters(&mut self, signature: &syn::Signature) {
        let count = signature.inputs.len();
        if count > PARAMETERS {
            let what = format!("{} takes {count} parameters, at most {PARAMETERS} are allowed", signature.ident);
            self.find("parameters", signature.fn_token.span, what, "take a struct");
        }
    }

    fn sql_text(&mut self, place: Span, text: &str) {
        if self.path.starts_with("crates/") && self.tests == 0 && text.contains(STAR) {
            self.find("select-star", place, format!("{STAR} in SQL text"), "name the columns");
        }
    }

    fn literals(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Literal(literal) => self.sql_text(literal.span(), &literal.to_string()),
                TokenTree::Group(group) => self.literals(group.stream()),
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }

    fn item(&mut self, attributes: &[syn::Attribute], place: Span, walk: impl FnOnce(&mut Self)) {
        let is_test = attributes.iter().any(is_for_tests);
        if is_test {
            self.test_lines.extend(place.start().line..=place.end().line);
        }
        self.tests += usize::from(is_test);
        walk(self);
        self.tests -= usize::from(is_test);
    }

    fn constant(&mut self, is_constant: bool, walk: impl FnOnce(&mut Self)) {
        self.constants += usize::from(is_constant);
        walk(self);
        self.constants -= usize::from(is_constant);
    }
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]`, `#[cfg(all(test, ..))]`.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let name = attribute.path().segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    let arguments = || attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default();
    name == "test"
        || (name == "cfg"
            && arguments().split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "test")
            && !arguments().contains("not"))
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.item(&item.attrs, item.span(), |walk| visit::visit_item_mod(walk, item));
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.item(&item.attrs, item.span(), |walk| {
            walk.function(&item.sig, &item.block);
            walk.constant(item.sig.constness.is_some(), |walk| visit::visit_item_fn(walk, item));
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.item(&item.attrs, item.span(), |walk| {
            walk.function(&item.sig, &item.block);
            walk.constant(item.sig.constness.is_some(), |walk| visit::visit_impl_item_fn(walk, item));
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        match &item.default {
            Some(block) => self.function(&item.sig, block),
            None => self.parameters(&item.sig),
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.constant(true, |walk| visit::visit_item_const(walk, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.constant(true, |walk| visit::visit_impl_item_const(walk, item));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if let syn::UseTree::Path(path) = &item.tree
            && path.ident == "super"
            && matches!(*path.tree, syn::UseTree::Glob(_))
            && self.tests == 0
        {
            self.find("use-super", item.span(), "`use super::*` outside tests".into(), "name what is used");
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let arguments = call.args.len();
        if self.is_library() && ((call.method == "unwrap" && arguments == 0) || (call.method == "expect" && arguments == 1)) {
            let what = format!("{}() outside tests", call.method);
            self.find("panic", call.method.span(), what, "return an error; `Error::bug(..)` for what cannot be");
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        if self.is_library() && PANICS.contains(&name.as_str()) {
            self.find("panic", call.span(), format!("{name}! outside tests"), "return an error; `Error::bug(..)` for what cannot be");
        }
        self.literals(call.tokens.clone());
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.sql_text(literal.span(), &literal.value());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        for name in ["ignore", "should_panic"] {
            if attribute.path().is_ident(name) {
                self.find("test-attribute", attribute.span(), format!("#[{name}]"), "make the test pass, or remove it");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{STAR, check};
    use crate::tidy::Counts;

    fn rules(path: &str, content: &str) -> Vec<(&'static str, usize)> {
        check(path, content, &mut Counts::default()).into_iter().map(|finding| (finding.rule, finding.line)).collect()
    }

    #[test]
    fn panics_count_in_libraries_outside_tests_and_constants() {
        let code = "fn a() {\n x.unwrap();\n y.expect(\"y\");\n todo!();\n x.expect();\n}\nconst C: u8 = panic!();\nconst fn c() { panic!() }\n\
                    #[cfg(test)]\nmod tests {\n use super::*;\n fn b() { x.unwrap() }\n}\n#[cfg(not(test))]\nfn d() { x.unwrap() }\n";
        assert_eq!(rules("crates/x/src/a.rs", code), [("panic", 2), ("panic", 3), ("panic", 4), ("panic", 15)]);
        assert!(rules("crates/x/src/a/tests.rs", code).is_empty());
        assert!(rules("crates/x/tests/a.rs", code).is_empty());
        assert!(rules("xtask/src/a.rs", code).is_empty());
    }

    #[test]
    fn lengths_leave_tests_out() {
        let long = "fn f() {}\n".repeat(601);
        assert_eq!(rules("crates/x/src/a.rs", &long), [("file-length", 1)]);
        let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(500), "fn f() {}\n".repeat(200));
        assert!(rules("crates/x/src/a.rs", &tested).is_empty());
        assert_eq!(rules("crates/x/src/a.rs", &format!("/// Doc.\nfn f() {{{}}}", "\n".repeat(80))), [("function-length", 2)]);
        let mut counts = Counts::default();
        check("a.rs", &format!("fn f() {{{}}}{long}", "\n".repeat(50)), &mut counts);
        assert_eq!((counts.long_files, counts.long_functions), (1, 1));
    }

    #[test]
    fn parameters_imports_sql_and_attributes() {
        assert_eq!(rules("a.rs", "fn f(a: A, b: A, c: A, d: A, e: A, f: A, g: A) {}"), [("parameters", 1)]);
        assert_eq!(rules("a.rs", "use super::*;\nuse super::a;\nuse a::*;"), [("use-super", 1)]);
        assert_eq!(rules("a.rs", "#[ignore]\n#[test]\nfn f() {}"), [("test-attribute", 1)]);
        let sql = format!("/// {STAR} in a comment.\nfn f() {{\n let a = \"{STAR}\";\n g!(\"{STAR}\");\n}}");
        assert_eq!(rules("crates/x/src/a.rs", &sql), [("select-star", 3), ("select-star", 4)]);
        assert_eq!(rules("a.rs", "fn f( {"), [("syntax", 1)]);
    }
}
