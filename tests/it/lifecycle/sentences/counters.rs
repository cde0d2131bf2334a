//! What the guide says of counters and `touch`: whatever writes the rows is counted, and the parent is not written to by anything else.

use sequor::prelude::*;
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "shops", timestamps, version)]
pub struct Shop {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(default = 0)]
    pub offers_count: i32,
    pub version: i32,
    pub offers: HasMany<Offer>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "brands")]
pub struct Brand {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(default = 0)]
    pub offers_count: i32,
    pub offers: HasMany<Offer>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "offers", paranoid)]
pub struct Offer {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique)]
    pub name: String,
    pub price: Option<i32>,
    pub shop_id: Option<i64>,
    #[relation(counter_cache = "offers_count", touch, on_delete = "cascade")]
    pub shop: BelongsTo<Option<Shop>>,
    pub brand_id: Option<i64>,
    #[relation(counter_cache = "offers_count")]
    pub brand: BelongsTo<Option<Brand>>,
    pub deleted_at: Option<DateTime<Utc>>,
}

/// The counters, checked against the rows: of shops, then of brands.
async fn counted(db: &Db) -> sequor::Result<(Vec<i32>, Vec<i32>)> {
    let shops: Vec<Shop> = Shop::find_all().include(Shop::OFFERS).order_by(Shop::ID.asc()).exec(db).await?;
    let brands: Vec<Brand> = Brand::find_all().include(Brand::OFFERS).order_by(Brand::ID.asc()).exec(db).await?;
    for (kept, rows) in
        shops.iter().map(|shop| (shop.offers_count, &shop.offers)).chain(brands.iter().map(|brand| (brand.offers_count, &brand.offers)))
    {
        assert_eq!(usize::try_from(kept).ok(), Some(rows.loaded()?.len()), "{shops:?} {brands:?}");
    }
    Ok((shops.iter().map(|shop| shop.offers_count).collect(), brands.iter().map(|brand| brand.offers_count).collect()))
}

#[sequor::test(models(Shop, Brand, Offer))]
async fn upserts_links_and_graphs_are_counted(db: Db) -> sequor::Result<()> {
    let shops = Shop::bulk_create([draft!(Shop {}), draft!(Shop {})]).exec(&db).await?;
    let brand = draft!(Brand {}).create(&db).await?;
    let (a, b) = (shops[0].id, shops[1].id);
    Offer::upsert(draft!(Offer { name: "x", shop_id: a, brand_id: brand.id })).exec(&db).await?;
    assert_eq!(counted(&db).await?, (vec![1, 0], vec![1]));
    Offer::upsert(draft!(Offer { name: "x", shop_id: b, brand_id: brand.id })).exec(&db).await?;
    assert_eq!(counted(&db).await?, (vec![0, 1], vec![1]), "it met the row and moved it");
    let rows = ["x", "y", "z"].map(|name| draft!(Offer { name, shop_id: a, brand_id: brand.id }));
    Offer::bulk_create(rows).update_on_duplicate((Offer::SHOP_ID, Offer::BRAND_ID)).exec(&db).await?;
    assert_eq!(counted(&db).await?, (vec![3, 0], vec![3]));
    let offers = Offer::find_all().order_by(Offer::NAME.asc()).exec(&db).await?;
    shops[1].relation(Shop::OFFERS).set(&offers[..2], &db).await?;
    assert_eq!(counted(&db).await?, (vec![1, 2], vec![3]));
    shops[1].relation(Shop::OFFERS).remove(&offers[..1], &db).await?;
    shops[0].relation(Shop::OFFERS).add(&offers[..1], &db).await?;
    assert_eq!(counted(&db).await?, (vec![2, 1], vec![3]));
    offers[1].relation(Offer::SHOP).set(&shops[0], &db).await?;
    assert_eq!(counted(&db).await?, (vec![3, 0], vec![3]));
    draft!(Offer { name: "w", shop: {}, brand: { offers: [{ name: "v" }] } }).create(&db).await?;
    assert_eq!(counted(&db).await?, (vec![3, 0, 1], vec![3, 2]));
    let (_, made) = Offer::find_or_create(Offer::NAME.eq("u"), draft!(Offer { name: "u", shop_id: b })).exec(&db).await?;
    assert!(made);
    assert_eq!(counted(&db).await?, (vec![3, 1, 1], vec![3, 2]));
    let mut edits: Vec<_> = Offer::find_all().filter(Offer::SHOP_ID.eq(a)).exec(&db).await?.into_iter().map(Offer::edit).collect();
    edits.iter_mut().for_each(|edit| edit.shop_id = Some(b));
    edits.save(&db).await?;
    assert_eq!(counted(&db).await?, (vec![0, 4, 1], vec![3, 2]));
    Ok(())
}

#[sequor::test(models(Shop, Brand, Offer))]
async fn deleted_rows_do_not_count_whatever_becomes_of_them(db: Db) -> sequor::Result<()> {
    let shops = Shop::bulk_create([draft!(Shop {}), draft!(Shop {})]).exec(&db).await?;
    let brand = draft!(Brand {}).create(&db).await?;
    let (a, b) = (shops[0].id, shops[1].id);
    Offer::bulk_create(["x", "y", "z"].map(|name| draft!(Offer { name, shop_id: a, brand_id: brand.id }))).exec(&db).await?;
    Offer::destroy_all().filter(Offer::NAME.eq("x")).exec(&db).await?;
    assert_eq!(counted(&db).await?, (vec![2, 0], vec![2]));
    // A deleted row that moves counts nowhere, before it comes back.
    Offer::update_all().set(Offer::SHOP_ID, b).filter(Offer::NAME.eq("x")).with_deleted().exec(&db).await?;
    assert_eq!(counted(&db).await?, (vec![2, 0], vec![2]));
    Offer::restore_all().exec(&db).await?;
    assert_eq!(counted(&db).await?, (vec![2, 1], vec![3]));
    Offer::destroy_all().filter(Offer::NAME.eq("y")).exec(&db).await?;
    Offer::destroy_all().filter(Offer::NAME.is_in(["x", "y"])).with_deleted().force().exec(&db).await?;
    assert_eq!(counted(&db).await?, (vec![1, 0], vec![1]), "the deleted one is not counted off twice");
    // The database removes what belongs to the shop: the brand knows.
    Shop::destroy_all().filter(Shop::ID.eq(a)).exec(&db).await?;
    assert_eq!(counted(&db).await?, (vec![0], vec![0]));
    Offer::bulk_create(["p", "q"].map(|name| draft!(Offer { name, shop_id: b, brand_id: brand.id }))).exec(&db).await?;
    assert_eq!(counted(&db).await?, (vec![2], vec![2]));
    Offer::truncate().exec(&db).await?;
    assert_eq!(counted(&db).await?, (vec![0], vec![0]));
    Ok(())
}

#[sequor::test(models(Shop, Brand, Offer))]
async fn a_counted_parent_is_told_to_listeners_alone(db: Db) -> sequor::Result<()> {
    let told = Arc::new(Mutex::new(Vec::<String>::new()));
    let (hooks, changes) = (told.clone(), told.clone());
    let shop = draft!(Shop {}).create(&db).await?;
    db.hooks::<Shop>().before_save("hooks", move |_shop, _cx| {
        hooks.lock().map(|mut told| told.push("hook".into())).ok();
        Box::pin(async { Ok(()) })
    });
    db.global_hooks().after_change("changes", move |change: &sequor::AnyChange, _cx| {
        let line = format!("{} {} {:?}", change.model(), change.operation(), change.changed());
        changes.lock().map(|mut told| told.push(line)).ok();
        Box::pin(async { Ok(()) })
    });
    Offer::bulk_create(["x", "y"].map(|name| draft!(Offer { name, shop_id: shop.id }))).exec(&db).await?;
    let told = told.lock().map(|told| told.clone()).unwrap_or_default();
    assert_eq!(told.iter().filter(|line| line.starts_with("Offer create")).count(), 2, "{told:?}");
    assert_eq!(told.iter().filter(|line| line.starts_with("Shop update [\"offers_count\"")).count(), 1, "{told:?}");
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(Shop::find_by_pk(shop.id).or_fail().exec(&db).await?.version, shop.version);
    Ok(())
}
