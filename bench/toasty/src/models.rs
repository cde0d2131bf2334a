//! Toasty's models of the tables.

macro_rules! person {
    ($name:ident $table:literal) => {
        #[derive(Debug, toasty::Model)]
        #[table = $table]
        pub struct $name {
            #[key]
            #[auto]
            pub id: i32,
            pub name: String,
            pub email: String,
            pub age: Option<i32>,
            pub score: f64,
            pub active: bool,
            pub bio: Option<String>,
            pub created_at: jiff::Timestamp,
        }
    };
}
person!(Person "people");
person!(Inserted "inserted");

/// Written out: the derive names `self`, which a macro around it does not give.
#[derive(Debug, toasty::Model)]
#[table = "wide"]
pub struct Wide {
    #[key]
    #[auto]
    pub id: i32,
    pub t1: String,
    pub t2: String,
    pub t3: String,
    pub t4: String,
    pub t5: String,
    pub t6: String,
    pub t7: String,
    pub t8: String,
    pub t9: String,
    pub i1: i32,
    pub i2: i32,
    pub i3: i32,
    pub i4: i32,
    pub i5: i32,
    pub i6: i32,
    pub i7: i32,
    pub i8: i32,
    pub i9: i32,
    pub f1: f64,
    pub f2: f64,
    pub f3: f64,
    pub f4: f64,
    pub f5: f64,
    pub b1: bool,
    pub b2: bool,
    pub b3: bool,
    pub n1: Option<String>,
    pub n2: Option<String>,
    pub n3: Option<String>,
}

#[derive(Debug, toasty::Model)]
#[table = "events"]
pub struct Event {
    #[key]
    #[auto]
    pub id: i32,
    pub kind: String,
    pub amount: f64,
}

#[derive(Debug, toasty::Model)]
#[table = "users"]
pub struct User {
    #[key]
    #[auto]
    pub id: i32,
    pub name: String,
    pub email: String,
    pub age: Option<i32>,
    #[has_many(pair = user)]
    pub posts: toasty::Deferred<Vec<Post>>,
}

#[derive(Debug, toasty::Model)]
#[table = "posts"]
pub struct Post {
    #[key]
    #[auto]
    pub id: i32,
    #[index]
    pub user_id: i32,
    pub title: String,
    pub body: Option<String>,
    pub created_at: jiff::Timestamp,
    #[belongs_to(key = user_id, references = id)]
    pub user: toasty::Deferred<User>,
    #[has_many(pair = post)]
    pub comments: toasty::Deferred<Vec<Comment>>,
}

#[derive(Debug, toasty::Model)]
#[table = "comments"]
pub struct Comment {
    #[key]
    #[auto]
    pub id: i32,
    #[index]
    pub post_id: i32,
    pub author: String,
    pub text: String,
    #[belongs_to(key = post_id, references = id)]
    pub post: toasty::Deferred<Post>,
    #[has_many(pair = comment)]
    pub replies: toasty::Deferred<Vec<Reply>>,
}

#[derive(Debug, toasty::Model)]
#[table = "replies"]
pub struct Reply {
    #[key]
    #[auto]
    pub id: i32,
    #[index]
    pub comment_id: i32,
    pub text: String,
    #[belongs_to(key = comment_id, references = id)]
    pub comment: toasty::Deferred<Comment>,
    #[has_many(pair = reply)]
    pub marks: toasty::Deferred<Vec<Mark>>,
}

#[derive(Debug, toasty::Model)]
#[table = "marks"]
pub struct Mark {
    #[key]
    #[auto]
    pub id: i32,
    #[index]
    pub reply_id: i32,
    pub value: i32,
    #[belongs_to(key = reply_id, references = id)]
    pub reply: toasty::Deferred<Reply>,
}
