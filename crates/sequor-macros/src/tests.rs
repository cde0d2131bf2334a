//! What the macros expand to, as snapshots; and the messages of the mistakes that the macros find by themselves.

use crate::{db_enum, draft, embed, model, projection, sql};
use proc_macro2::TokenStream;
use quote::quote;

/// The expansion, printed as rustfmt would.
fn printed(tokens: TokenStream) -> String {
    match syn::parse2::<syn::File>(tokens.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        Err(error) => unreachable!("{error}: {tokens}"),
    }
}

/// A macro's expression as a function body.
fn body(tokens: TokenStream) -> String {
    printed(quote!(fn expanded() { let _ = #tokens; }))
}

/// The messages of an expansion.
fn messages(tokens: TokenStream) -> Vec<String> {
    let text = tokens.to_string();
    let literal = |rest: &str| {
        let start = rest.find('"')? + 1;
        let mut escaped = false;
        let end = rest[start..].find(|letter| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        })?;
        Some(rest[start..start + end].replace("\\\"", "\""))
    };
    text.split("compile_error").skip(1).filter_map(literal).collect()
}

fn twelve_fields() -> TokenStream {
    quote! {
        #[model(table = "users", timestamps, paranoid, index(columns("email", "created_at desc")))]
        pub struct User {
            #[field(primary_key, auto_increment)]
            pub id: i64,
            /// Where to write to.
            #[field(unique, validate(email))]
            pub email: String,
            #[field(validate(len(min = 1, max = 80)))]
            pub name: String,
            #[field(default = Role::Nurse)]
            pub role: Role,
            pub age: Option<i32>,
            #[field(default = json!({}))]
            pub settings: Json,
            pub created_at: DateTime<Utc>,
            pub updated_at: DateTime<Utc>,
            pub deleted_at: Option<DateTime<Utc>>,
            pub clinic_id: Option<i64>,
            pub clinic: BelongsTo<Option<Clinic>>,
            pub profile: HasOne<Profile>,
            pub posts: HasMany<Post>,
            #[relation(other_key = "team")]
            pub teams: BelongsToMany<Team, Membership>,
        }
    }
}

#[test]
fn a_model_of_twelve_fields_stays_under_400_lines() {
    let text = printed(model::expand(twelve_fields()));
    assert!(text.lines().count() < 400, "{} lines", text.lines().count());
    insta::assert_snapshot!("model", text);
}

#[test]
fn a_draft_is_a_constant_and_a_value() {
    let text = body(draft::expand(quote! {
        User { email: "ann@x.io", name, posts: [{ title: "Hi", tags: [{ name: "rust" }, tag] }], profile: {}, role: { Role::Admin }, teams: [] }
    }));
    insta::assert_snapshot!("draft", text);
}

#[test]
fn an_enum_is_its_labels() {
    let text = printed(db_enum::expand(quote! {
        #[db_enum(name = "user_role", rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum Role { Admin, SchoolAdmin }
    }));
    insta::assert_snapshot!("db_enum", text);
}

#[test]
fn embedded_structs_and_projections() {
    let address = embed::expand(quote!(
        pub struct Address {
            pub street: Option<String>,
            pub city: String,
        }
    ));
    let view = projection::expand(quote! {
        #[projection(of = Post)]
        struct PostView { id: Uuid, user: Option<UserName>, #[projection(expr = Post::TAGS.count())] tags: i64 }
    });
    // `user` is read as a column here: only `of` makes it a relation.
    insta::assert_snapshot!("embed", printed(address));
    insta::assert_snapshot!("projection", printed(view));
}

#[test]
fn raw_sql_is_texts_and_values() {
    insta::assert_snapshot!("sql", body(sql::expand(quote!("SELECT * FROM users WHERE age > {age} AND id = {user.id}"))));
}

fn model_messages(attributes: TokenStream, fields: TokenStream) -> Vec<String> {
    messages(model::expand(quote!(#[model(#attributes)] struct User { #[field(primary_key)] id: i64, #fields })))
}

#[test]
fn one_mistake_is_one_message() {
    let cases = [
        model_messages(quote!(tabel = "users"), quote!()),
        model_messages(quote!(), quote!(#[field(uniqe)] name: String)),
        model_messages(quote!(), quote!(#[field(unique, unique)] name: String)),
        model_messages(quote!(), quote!(#[field(auto_increment)] name: String)),
        model_messages(quote!(paranoid), quote!(removed_at: Option<DateTime<Utc>>)),
        model_messages(quote!(timestamps(updated = false)), quote!()),
        model_messages(quote!(), quote!(#[field(validate(emial))] name: String)),
        model_messages(quote!(), quote!(#[field(validate(len(minimum = 1)))] name: String)),
        model_messages(quote!(), quote!(name: &str)),
        model_messages(quote!(), quote!(count: usize)),
        model_messages(quote!(), quote!(posts: BelongsToMany<Post>)),
        model_messages(quote!(), quote!(team: BelongsTo<Team>)),
        model_messages(quote!(), quote!(team_id: Option<i64>, team: BelongsTo<Team>)),
        model_messages(quote!(index(columns("nmae"))), quote!(name: String)),
        model_messages(quote!(), quote!(team_id: i64, #[relation(on_delete = "cascad")] team: BelongsTo<Team>)),
    ];
    let text: Vec<String> = cases
        .into_iter()
        .map(|case| {
            assert_eq!(case.len(), 1, "{case:#?}");
            case.concat()
        })
        .collect();
    insta::assert_snapshot!("messages", text.join("\n"));
}
