//! A small library: self relations, one model reached twice, many-to-many with columns of its own, a polymorphic relation, deleted rows.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "authors", paranoid)]
pub struct Author {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    pub born: Option<i32>,
    pub boss_id: Option<i64>,
    pub deleted_at: Option<DateTime<Utc>>,
    #[relation(foreign_key = "boss_id", constraints = false)]
    pub boss: BelongsTo<Option<Author>>,
    #[relation(foreign_key = "boss_id", constraints = false)]
    pub staff: HasMany<Author>,
    #[relation(foreign_key = "author_id", constraints = false)]
    pub books: HasMany<Book>,
    #[relation(foreign_key = "author_id", scope(kind = "draft"), constraints = false)]
    pub drafts: HasMany<Book>,
    #[relation(foreign_key = "editor_id", constraints = false)]
    pub edited: HasMany<Book>,
    #[relation(foreign_key = "author_id", constraints = false)]
    pub badge: HasOne<Badge>,
    #[relation(foreign_key = "about_id", scope(about_type = "author"), constraints = false)]
    pub notes: HasMany<Note>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "badges")]
pub struct Badge {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub code: String,
    pub author_id: i64,
    #[relation(constraints = false)]
    pub author: BelongsTo<Author>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "books", paranoid)]
pub struct Book {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub title: String,
    pub kind: String,
    pub pages: Option<i32>,
    pub author_id: Option<i64>,
    pub editor_id: Option<i64>,
    pub data: Option<Json>,
    pub marks: Option<Vec<i32>>,
    pub deleted_at: Option<DateTime<Utc>>,
    #[relation(constraints = false)]
    pub author: BelongsTo<Option<Author>>,
    #[relation(foreign_key = "editor_id", constraints = false)]
    pub editor: BelongsTo<Option<Author>>,
    #[relation(constraints = false)]
    pub chapters: HasMany<Chapter>,
    #[relation(foreign_key = "book_id", other_key = "label_id", constraints = false)]
    pub labels: BelongsToMany<Label, BookLabel>,
    #[relation(foreign_key = "about_id", scope(about_type = "book"), constraints = false)]
    pub notes: HasMany<Note>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "chapters")]
pub struct Chapter {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub title: String,
    pub place: i32,
    pub book_id: i64,
    #[relation(constraints = false)]
    pub book: BelongsTo<Book>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "labels")]
pub struct Label {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    #[relation(foreign_key = "label_id", other_key = "book_id", constraints = false)]
    pub books: BelongsToMany<Book, BookLabel>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "book_labels")]
pub struct BookLabel {
    #[field(primary_key)]
    pub book_id: i64,
    #[field(primary_key)]
    pub label_id: i64,
    pub weight: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "notes")]
pub struct Note {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub text: String,
    pub about_type: String,
    pub about_id: i64,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Author)]
pub struct AuthorName {
    pub id: i64,
    pub name: String,
    #[projection(of = Badge)]
    pub badge: Option<BadgeCode>,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Badge)]
pub struct BadgeCode {
    pub code: String,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Book)]
pub struct BookView {
    pub title: String,
    #[projection(of = Author)]
    pub author: Option<AuthorName>,
    #[projection(expr = Book::CHAPTERS.count())]
    pub chapters: i64,
    #[projection(expr = Book::PAGES + 1)]
    pub more: Option<i32>,
}

/// Ann leads Bo and Cy, Bo leads Di; Ann wrote two books and a draft, one more is deleted; Bo edits Ann's books.
pub async fn shelve(db: &Db) -> sequor::Result<()> {
    let ann = draft!(Author { name: "Ann", born: 1950 }).create(db).await?;
    let bo = draft!(Author { name: "Bo", born: 1960, boss_id: ann.id }).create(db).await?;
    draft!(Author { name: "Cy", boss_id: ann.id }).create(db).await?;
    draft!(Author { name: "Di", born: 1990, boss_id: bo.id }).create(db).await?;
    let gone = draft!(Author { name: "Ed", boss_id: ann.id }).create(db).await?;
    draft!(Badge { code: "A1", author_id: ann.id }).create(db).await?;
    let labels = Label::bulk_create(["art", "law", "sea"].map(|name| draft!(Label { name: name })).to_vec()).exec(db).await?;
    for (title, kind, pages, author) in [
        ("Alpha", "novel", Some(100), Some(ann.id)),
        ("Beta", "novel", Some(300), Some(ann.id)),
        ("Gamma", "draft", None, Some(ann.id)),
        ("Delta", "essay", Some(50), Some(bo.id)),
        ("Omega", "essay", Some(70), Some(gone.id)),
        ("Nobody", "novel", None, None),
    ] {
        let book = draft!(Book { title: title, kind: kind, pages: pages, author_id: author, editor_id: bo.id }).create(db).await?;
        for place in 0..i32::try_from(title.len()).unwrap_or(0) - 3 {
            draft!(Chapter { title: format!("{title} {place}"), place: place, book_id: book.id }).create(db).await?;
        }
        for label in labels.iter().filter(|label| title.contains(&label.name[..1])) {
            draft!(BookLabel { book_id: book.id, label_id: label.id, weight: i32::try_from(book.id * label.id).unwrap_or(0) })
                .create(db)
                .await?;
        }
        draft!(Note { text: format!("on {title}"), about_type: "book", about_id: book.id }).create(db).await?;
    }
    draft!(Note { text: "on Ann", about_type: "author", about_id: ann.id }).create(db).await?;
    let deleted = draft!(Book { title: "Deleted", kind: "novel", author_id: ann.id }).create(db).await?;
    deleted.destroy(db).await?;
    gone.destroy(db).await?;
    Ok(())
}
