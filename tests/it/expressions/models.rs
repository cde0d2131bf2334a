//! A shop: categories that are a tree, and articles in them.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "categories")]
pub struct Category {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    pub parent_id: Option<i64>,
    #[relation(foreign_key = "parent_id")]
    pub parent: BelongsTo<Option<Category>>,
    #[relation(foreign_key = "parent_id")]
    pub children: HasMany<Category>,
    pub articles: HasMany<Article>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "articles")]
pub struct Article {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub title: String,
    pub note: Option<String>,
    pub stock: i32,
    pub price: f64,
    pub labels: Vec<String>,
    #[field(default = json!({}))]
    pub data: Json,
    pub sold_at: DateTime<Utc>,
    pub category_id: i64,
    pub category: BelongsTo<Category>,
}

pub fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Root > (Food > (Fruit > Apples), Tools), and four articles.
pub async fn seed(db: &Db) -> sequor::Result<()> {
    let names = [("Root", None), ("Food", Some(1)), ("Fruit", Some(2)), ("Apples", Some(3)), ("Tools", Some(1))];
    for (name, parent) in names {
        draft!(Category { name: name, parent_id: parent }).create(db).await?;
    }
    let rows = [
        ("Élan", None, 5, 1.5, vec!["red", "sweet"], json!({ "a": { "b": [1, 2] }, "n": null, "kind": "null" }), "2024-02-29T23:59:58Z", 4),
        ("  Saw ", Some("old"), 0, 20.0, vec!["steel"], json!({ "a": { "b": [] }, "size": 3 }), "2024-03-01T00:00:00Z", 5),
        ("100% juice", Some("ok"), 7, 2.25, vec!["sweet"], json!({ "a": 1, "size": 2.5 }), "2023-12-31T12:30:00Z", 3),
        ("Bread", None, 7, 3.75, vec![], json!({ "ok": true }), "2024-01-01T08:00:00Z", 2),
    ];
    for (title, note, stock, price, labels, data, sold_at, category_id) in rows {
        let labels: Vec<String> = labels.into_iter().map(str::to_owned).collect();
        let note = note.map(str::to_owned);
        let sold_at = instant(sold_at);
        draft!(Article {
            title: title,
            note: note,
            stock: stock,
            price: price,
            labels: labels,
            data: data,
            sold_at: sold_at,
            category_id: category_id
        })
        .create(db)
        .await?;
    }
    Ok(())
}
