//! Sequor's derives and `draft!`, `sql!`, `models!`, `migrations!`.
//!
//! Generated code names `::sequor::__private::..`, `::core::..` and `::std::..` alone, and knows as few conventions as it can: it emits data, which the ORM
//! turns into a definition.

mod attributes;
mod db_enum;
mod db_type;
mod draft;
mod embed;
mod errors;
mod migrations;
mod model;
mod names;
mod projection;
mod sql;
mod test;
mod types;

use proc_macro::TokenStream;

/// Makes a struct a model: a table, its columns and its relations.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// #[model(table = "people", timestamps, index(columns("name", "born desc")))]
/// struct Person {
///     #[field(primary_key, auto_increment)]
///     id: i64,
///     #[field(validate(len(min = 1, max = 80)))]
///     name: String,
///     born: Option<NaiveDate>,
///     mother_id: Option<i64>,
///     #[relation(foreign_key = "mother_id")]
///     mother: BelongsTo<Option<Person>>,
///     #[relation(foreign_key = "mother_id")]
///     children: HasMany<Person>,
///     created_at: DateTime<Utc>,
///     updated_at: DateTime<Utc>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// db.sync::<Person>(SyncMode::Create).await?;
/// let ann = draft!(Person { name: "Ann", children: [{ name: "Bo" }] }).create(&db).await?;
/// let bo = Person::find_one().filter(Person::MOTHER.is(Person::NAME.eq("Ann"))).exec(&db).await?;
/// assert_eq!(bo.and_then(|bo| bo.mother_id), Some(ann.id));
/// # Ok(())
/// # }
/// ```
#[proc_macro_derive(Model, attributes(model, field, relation))]
pub fn derive_model(input: TokenStream) -> TokenStream {
    model::expand(input.into()).into()
}

/// Makes an enum without data a column type.
///
/// It has `Display`, `FromStr`, `Serialize` and `Deserialize` as its label, each unless another derive or an impl beside it says otherwise. Where those of serde cannot be
/// seen (in what a macro of another crate makes), say so: `#[db_enum(serde = false)]`.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
/// #[db_enum(name = "user_role", rename_all = "SCREAMING_SNAKE_CASE")]
/// enum Role { Admin, SchoolAdmin }
///
/// assert_eq!(Role::SchoolAdmin.to_string(), "SCHOOL_ADMIN");
/// assert_eq!("ADMIN".parse::<Role>()?, Role::Admin);
/// # Ok::<(), Error>(())
/// ```
#[proc_macro_derive(DbEnum, attributes(db_enum))]
pub fn derive_db_enum(input: TokenStream) -> TokenStream {
    db_enum::expand(input.into()).into()
}

/// Makes a row that is not stored yet: `draft!(User { email: "ann@x.io", name })`. A required field that is missing is a compile error.
///
/// A relation takes fields in braces, drafts and rows that exist, which are linked; a list may mix them: `tags: [rust, { name: "sql" }]`.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct User { #[field(primary_key, auto_increment)] id: i64, email: String, age: Option<i32>, posts: HasMany<Post> }
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct Post { #[field(primary_key, auto_increment)] id: i64, title: String, user_id: i64, user: BelongsTo<User> }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// db.sync::<(User, Post)>(SyncMode::Create).await?;
/// let email = "ann@x.io";
/// let ann = draft!(User { email, posts: [{ title: "Hi" }, { title: "Again" }] }).create(&db).await?;
/// assert_eq!(ann.posts.loaded()?.len(), 2);
/// # Ok(())
/// # }
/// ```
#[proc_macro]
pub fn draft(input: TokenStream) -> TokenStream {
    draft::expand(input.into()).into()
}

/// Makes a tuple struct of one field a column type.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(DbType, Clone, Copy, Debug, PartialEq, Eq)]
/// struct UserId(i64);
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct User { #[field(primary_key, auto_increment)] id: UserId, name: String }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// db.sync::<User>(SyncMode::Create).await?;
/// let ann = draft!(User { name: "Ann" }).create(&db).await?;
/// assert_eq!(User::find_by_pk(UserId(1)).exec(&db).await?, Some(ann));
/// # Ok(())
/// # }
/// ```
#[proc_macro_derive(DbType, attributes(db_type))]
pub fn derive_db_type(input: TokenStream) -> TokenStream {
    db_type::expand(input.into()).into()
}

/// Makes a struct one whose fields are spread over prefixed columns of the models that embed it.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(Embed, Clone, Debug, PartialEq)]
/// struct Address { street: String, city: String }
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct User { #[field(primary_key, auto_increment)] id: i64, #[field(embed)] address: Address }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// db.sync::<User>(SyncMode::Create).await?;
/// draft!(User { address: Address { street: "High St".into(), city: "York".into() } }).create(&db).await?;
/// assert_eq!(User::count().filter(User::ADDRESS.at(Address::CITY).eq("York")).exec(&db).await?, 1);
/// # Ok(())
/// # }
/// ```
#[proc_macro_derive(Embed, attributes(embed, field))]
pub fn derive_embed(input: TokenStream) -> TokenStream {
    embed::expand(input.into()).into()
}

/// Makes a struct a selection of columns, expressions and related rows of a model.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct User { #[field(primary_key, auto_increment)] id: i64, name: String, posts: HasMany<Post> }
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct Post { #[field(primary_key, auto_increment)] id: i64, title: String, user_id: i64, user: BelongsTo<User> }
///
/// #[derive(Projection, Debug, PartialEq)]
/// #[projection(of = User)]
/// struct Writer { name: String, #[projection(expr = User::POSTS.count())] posts: i64 }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// db.sync::<(User, Post)>(SyncMode::Create).await?;
/// draft!(User { name: "Ann", posts: [{ title: "Hi" }] }).create(&db).await?;
/// let writers: Vec<Writer> = User::find_all().project::<Writer>().exec(&db).await?;
/// assert_eq!(writers, [Writer { name: "Ann".into(), posts: 1 }]);
/// # Ok(())
/// # }
/// ```
#[proc_macro_derive(Projection, attributes(projection))]
pub fn derive_projection(input: TokenStream) -> TokenStream {
    projection::expand(input.into()).into()
}

/// SQL with bound values: `sql!("SELECT * FROM users WHERE age > {age}")`. A value between braces is always a parameter, never text; a list behind `IN` is one for each item.
///
/// Inside of a query, in `raw_expr(sql!(..))` and `.filter(sql!(..).into())`, a column of the model may stand there too: `{User::AGE}`.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// let (a, b) = (1_i64, "it's bound");
/// let rows: Vec<(i64, String)> = db.query_as(sql!("SELECT {a} + 1, {b}")).await?;
/// assert_eq!(rows, [(2, "it's bound".to_owned())]);
/// # Ok(())
/// # }
/// ```
#[proc_macro]
pub fn sql(input: TokenStream) -> TokenStream {
    sql::expand(input.into()).into()
}

/// A list of models of any length: `models!(pub type All = User, Post);`.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct User { #[field(primary_key, auto_increment)] id: i64 }
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct Post { #[field(primary_key, auto_increment)] id: i64 }
///
/// models!(pub type All = User, Post);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::options("sqlite::memory:").register::<All>().connect().await?;
/// db.sync::<All>(SyncMode::Create).await?;
/// # Ok(())
/// # }
/// ```
#[proc_macro]
pub fn models(input: TokenStream) -> TokenStream {
    model::list::expand(input.into()).into()
}

/// The migrations of a folder, embedded into the program: `migrations!("migrations")`. The path is relative to `Cargo.toml`.
///
/// ```
/// use sequor::prelude::*;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// let report = Migrator::embedded(migrations!("doc/migrations")).up(&db).await?;      // doc/migrations/20240101000000-pets/up.sql
/// assert_eq!(report.names(), ["20240101000000-pets"]);
/// # Ok(())
/// # }
/// ```
#[proc_macro]
pub fn migrations(input: TokenStream) -> TokenStream {
    migrations::expand(input.into()).into()
}

/// An async test that runs once on each database, in a schema of its own: `#[sequor::test(models(User, Post), fixtures("users.yaml"))]`.
///
/// ```no_run
/// use sequor::prelude::*;
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct User { #[field(primary_key, auto_increment)] id: i64, name: String }
///
/// #[sequor::test(models(User))]
/// async fn finds_ann(db: Db) -> sequor::Result<()> {
///     draft!(User { name: "Ann" }).create(&db).await?;
///     assert_eq!(User::count().filter(User::NAME.eq("Ann")).exec(&db).await?, 1);
///     Ok(())
/// }
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn test(options: TokenStream, function: TokenStream) -> TokenStream {
    test::expand(options.into(), function.into()).into()
}

#[cfg(test)]
mod tests;
