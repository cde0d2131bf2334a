//! Counter caches and `touch`: what written rows do to the rows that they belong to.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "counted_shelves", timestamps)]
pub struct Shelf {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "counted_albums", timestamps, version)]
pub struct Album {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    #[field(default = 0)]
    pub songs_count: i64,
    pub version: i32,
    pub shelf_id: Option<i64>,
    #[relation(touch)]
    pub shelf: BelongsTo<Option<Shelf>>,
    pub songs: HasMany<Song>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "counted_songs", paranoid)]
pub struct Song {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique)]
    pub title: String,
    pub album_id: Option<i64>,
    #[relation(counter_cache = "songs_count", touch)]
    pub album: BelongsTo<Option<Album>>,
    pub deleted_at: Option<DateTime<Utc>>,
}

async fn counts(db: &Db) -> sequor::Result<Vec<i64>> {
    Album::find_all().order_by(Album::ID.asc()).pluck(Album::SONGS_COUNT).exec(db).await
}

fn songs(from: i32, count: i32, album: Option<i64>) -> Vec<Draft<Song>> {
    (from..from + count).map(|number| draft!(Song { title: format!("s{number}"), album_id: album })).collect()
}

#[sequor::test(models(Shelf, Album, Song))]
async fn children_are_counted_whatever_writes_them(db: Db) -> sequor::Result<()> {
    let [a, b] = [draft!(Album { name: "a" }).create(&db).await?, draft!(Album { name: "b" }).create(&db).await?];
    let song = draft!(Song { title: "one", album_id: a.id }).create(&db).await?;
    draft!(Song { title: "alone" }).create(&db).await?;
    assert_eq!(counts(&db).await?, [1, 0]);
    Song::bulk_create(songs(0, 5, Some(b.id))).exec(&db).await?;
    assert_eq!(counts(&db).await?, [1, 5]);
    let c = draft!(Album { name: "c", songs: [{ title: "c1" }, { title: "c2" }] }).create(&db).await?;
    assert_eq!(counts(&db).await?, [1, 5, 2]);
    assert_eq!(c.version, 0);

    let mut edit = song.edit();
    edit.album_id = Some(b.id);
    let song = edit.save(&db).await?;
    assert_eq!(counts(&db).await?, [0, 6, 2]);
    let moved = Song::update_all().set(Song::ALBUM_ID, a.id).filter(Song::TITLE.is_in(["s0", "s1", "c1"])).exec(&db).await?;
    assert_eq!((moved, counts(&db).await?), (3, vec![3, 4, 1]));
    Song::update_all().set(Song::ALBUM_ID, None::<i64>).filter(Song::TITLE.eq("s0")).exec(&db).await?;
    assert_eq!(counts(&db).await?, [2, 4, 1]);

    let mut gone = song.clone();
    song.destroy(&db).await?;
    gone.reload(&db).await.ok();
    assert_eq!(counts(&db).await?, [2, 3, 1]);
    gone = Song::find_all().with_deleted().filter(Song::TITLE.eq("one")).one().or_fail().exec(&db).await?;
    gone.restore(&db).await?;
    assert_eq!(counts(&db).await?, [2, 4, 1]);
    let gone = Song::find_one().filter(Song::TITLE.eq("one")).or_fail().exec(&db).await?;
    gone.destroy(&db).await?;
    Song::find_all().with_deleted().filter(Song::TITLE.eq("one")).one().or_fail().exec(&db).await?.force_destroy(&db).await?;
    assert_eq!(counts(&db).await?, [2, 3, 1]);
    let destroyed = Song::destroy_all().filter(Song::ALBUM_ID.eq(b.id)).exec(&db).await?;
    assert_eq!((destroyed, counts(&db).await?), (3, vec![2, 0, 1]));
    Song::restore_all().filter(Song::ALBUM_ID.eq(b.id)).exec(&db).await?;
    assert_eq!(counts(&db).await?, [2, 3, 1]);

    // Which rows a conflict clause leaves out nobody says: it is counted anew.
    Song::bulk_create(songs(2, 4, Some(b.id))).ignore_duplicates().exec(&db).await?;
    assert_eq!(counts(&db).await?, [2, 4, 1]);
    // An edit that was begun before is not outdated by a counter.
    let mut edit = c.edit();
    edit.name = "C".into();
    draft!(Song { title: "late", album_id: edit.id }).create(&db).await?;
    assert_eq!(edit.save(&db).await?.version, 1);
    assert_eq!(counts(&db).await?, [2, 4, 2]);
    // A write that is undone counts nothing.
    db.test_transaction(async |tx| draft!(Song { title: "undone", album_id: a.id }).create(tx).await).await?;
    assert_eq!(counts(&db).await?, [2, 4, 2]);
    Ok(())
}

#[sequor::test(models(Shelf, Album, Song), databases("postgres", "mysql"))]
async fn writers_at_the_same_time_are_all_counted(db: Db) -> sequor::Result<()> {
    // SQLite in memory is one connection: writers stand in a row.
    let album = draft!(Album { name: "a" }).create(&db).await?;
    let writers = (0..8).map(|number| {
        let (db, id) = (db.clone(), album.id);
        tokio::spawn(async move {
            for song in songs(number * 10, 5, Some(id)) {
                song.create(&db).await?;
            }
            sequor::Result::<()>::Ok(())
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.map_err(Error::other)??;
    }
    assert_eq!(counts(&db).await?, [40]);
    Ok(())
}

#[sequor::test(models(Shelf, Album, Song))]
async fn touch_goes_up_to_the_top(db: Db) -> sequor::Result<()> {
    let at = |day: u32| -> sequor::Result<DateTime<Utc>> { Ok(format!("2020-01-{day:02}T00:00:00Z").parse()?) };
    let stamps = async || -> sequor::Result<(DateTime<Utc>, DateTime<Utc>)> {
        let shelf = Shelf::find_by_pk(1).or_fail().exec(&db).await?.updated_at;
        Ok((shelf, Album::find_by_pk(1).or_fail().exec(&db).await?.updated_at))
    };
    db.clock().set(at(1)?);
    let shelf = draft!(Shelf {}).create(&db).await?;
    db.clock().set(at(2)?);
    let album = draft!(Album { name: "a", shelf_id: shelf.id }).create(&db).await?;
    assert_eq!(stamps().await?, (at(2)?, at(2)?));
    db.clock().set(at(3)?);
    let song = draft!(Song { title: "one", album_id: album.id }).create(&db).await?;
    assert_eq!(stamps().await?, (at(3)?, at(3)?));
    db.clock().set(at(4)?);
    let mut edit = song.edit();
    edit.title = "One".into();
    let song = edit.save(&db).await?;
    assert_eq!(stamps().await?, (at(4)?, at(4)?));
    db.clock().set(at(5)?);
    song.destroy(&db).await?;
    assert_eq!(stamps().await?, (at(5)?, at(5)?));
    assert_eq!(Album::find_by_pk(1).or_fail().exec(&db).await?.songs_count, 0);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "counted_stickers")]
pub struct Sticker {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub shelf_id: i64,
    #[relation(counter_cache = "stickers")]
    pub shelf: BelongsTo<Shelf>,
}

#[sequor::test(models(Shelf, Sticker))]
async fn a_counter_that_is_not_there_is_named(db: Db) -> sequor::Result<()> {
    let shelf = draft!(Shelf {}).create(&db).await?;
    let error = draft!(Sticker { shelf_id: shelf.id }).create(&db).await;
    let text = error.map_or_else(|error| error.to_string(), |_| String::new());
    assert!(text.contains("Shelf") && text.contains("stickers"), "{text}");
    assert_eq!(Sticker::count().exec(&db).await?, 0);
    Ok(())
}
