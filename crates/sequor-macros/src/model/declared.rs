//! `hooks`, `validate = ".."`, `default_scope = ".."`: what the model declares beside its data.

use super::{Model, asking};
use crate::attributes::{Given, Options, known, path};
use crate::errors::Errors;
use proc_macro2::{TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::LitStr;
use syn::spanned::Spanned;

/// The impls, and the field of `StaticModel` that points to them.
pub fn emit(model: &Model, errors: &mut Errors) -> (TokenStream, Option<TokenStream>) {
    let hooks = model.options.get("hooks").map(|(_, given)| hooks(model, given, errors));
    let scope = model.options.get("default_scope").and_then(|(_, given)| path(given, errors)).map(|scope| default_scope(model, &scope));
    let rules: Vec<_> = model.options.all("validate").filter_map(|(_, given)| path(given, errors)).collect();
    let rules = (!rules.is_empty()).then(|| row_rules(model, &rules));
    let asking = asking::emit(model, errors);
    if hooks.is_none() && scope.is_none() && rules.is_none() && asking.is_none() {
        return (TokenStream::new(), None);
    }
    let ident = &model.ident;
    let declares = hooks.is_some().then(|| quote!(impl __sequor::DeclaresHooks for #ident {}));
    let declaration = quote! {
        #declares

        struct Declaration;

        impl __sequor::Declared for Declaration {
            #scope
            #rules
            #asking
            #hooks
        }
    };
    (declaration, Some(quote!(declared: ::core::option::Option::Some(&Declaration))))
}

fn hooks(model: &Model, given: &Given, errors: &mut Errors) -> TokenStream {
    let ident = &model.ident;
    let list = match given {
        Given::List(tokens) => Options::nested(tokens.clone(), "hooks", known::HOOKS, errors),
        _ => Options::default(),
    };
    let wants_rows = matches!(list.get("rows"), Some((_, Given::Flag | Given::Bool(true))));
    let rows = wants_rows.then(|| {
        quote! {
            fn wants_rows(&self) -> bool {
                true
            }
        }
    });
    quote! {
        #rows

        fn has_hooks(&self) -> bool {
            true
        }

        fn run<'a>(
            &'a self,
            kind: __sequor::HookKind,
            subject: __sequor::HookSubject<'a>,
            context: &'a __sequor::HookContext<'a>,
        ) -> __sequor::BoxFuture<'a, __sequor::Result<()>> {
            __sequor::TypedHooks::<#ident>::run(kind, subject, context)
        }
    }
}

fn default_scope(model: &Model, scope: &TokenStream) -> TokenStream {
    let ident = &model.ident;
    let call = quote_spanned!(scope.span()=> __sequor::apply_scope::<#ident>(clauses, #scope));
    quote! {
        fn default_scope(&self, clauses: __sequor::Clauses) -> __sequor::Clauses {
            #call
        }

        fn has_default_scope(&self) -> bool {
            true
        }
    }
}

fn row_rules(model: &Model, rules: &[TokenStream]) -> TokenStream {
    let ident = &model.ident;
    let rules = rules.iter().map(|rule| {
        let name = match rule.clone().into_iter().last() {
            Some(TokenTree::Ident(last)) => LitStr::new(&last.to_string(), last.span()),
            _ => LitStr::new("validate", rule.span()),
        };
        let call = quote_spanned!(rule.span()=> __sequor::row_rule::<#ident, _>(row, #rule));
        quote!((#name, |row| #call))
    });
    quote! {
        fn row_rules(&self) -> &'static [__sequor::RowRule] {
            const RULES: &[__sequor::RowRule] = &[#(#rules),*];
            RULES
        }
    }
}
