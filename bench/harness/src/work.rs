//! [`Work`]: what every contender is asked to do, with its name in the report, how many operations a round has, and how many rounds there are.

/// One workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A row of eight columns by its key.
    Find,
    /// The first rows of eight columns; all 10,000 without an order.
    Rows(u32),
    /// The same of thirty columns.
    Wide(u32),
    /// A condition of ten values.
    Filter,
    Tree(Tree),
    /// Twenty rows and how many there are.
    Page,
    /// Twenty rows behind the 900,000th of a million.
    Cursor,
    /// Many rows in one call.
    Insert(u32),
    Create,
    /// One column of a loaded row.
    UpdateOne,
    /// One column of each of 1,000 loaded rows.
    UpdateMany,
    /// One column of 1,000 rows by a condition, none of them loaded.
    UpdateAll,
    /// 1,000 rows that are there already.
    Upsert,
    /// Two look-ups, two updates and a look-up in one transaction.
    Transaction,
    /// Look-ups by so many tasks on a pool of ten.
    Tasks(u32),
    /// A million rows, one after another.
    Stream,
}

/// A tree of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tree {
    /// So many users, ten posts each, five comments each.
    Three(i32),
    /// Ten users with posts, comments, two replies each and two marks each.
    Five,
    /// 1,000 posts with their users.
    BelongsTo,
    /// 100 users with their posts.
    HasMany,
    /// 100 posts with three tags each.
    ManyToMany,
    /// 100 users with the newest three posts of each.
    Limited,
}

/// A run of a workload.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    pub operations: u32,
    /// Differs in each run, so that written values do; 0 when the outcome is compared.
    pub turn: u32,
}

const COUNTS: [u32; 5] = [1, 10, 100, 1_000, 10_000];

/// All of them, in the report's order.
pub fn all() -> Vec<Work> {
    let mut all = vec![Work::Find];
    all.extend(COUNTS.map(Work::Rows));
    all.extend(COUNTS.map(Work::Wide));
    all.push(Work::Filter);
    all.extend([Work::Page, Work::Cursor]);
    let trees = [Tree::Three(100), Tree::Three(1), Tree::Five, Tree::BelongsTo, Tree::HasMany, Tree::ManyToMany, Tree::Limited];
    all.extend(trees.map(Work::Tree));
    all.push(Work::Create);
    all.extend(COUNTS[1..].iter().map(|count| Work::Insert(*count)));
    all.extend([Work::UpdateOne, Work::UpdateMany, Work::UpdateAll, Work::Upsert, Work::Transaction]);
    all.extend([Work::Tasks(64), Work::Tasks(1), Work::Stream]);
    all
}

/// Those that are done through a delay of a millisecond too.
pub fn far() -> Vec<Work> {
    let trees = [Tree::Three(100), Tree::Three(1), Tree::Five, Tree::ManyToMany].map(Work::Tree);
    let mut far = vec![Work::Find, Work::Page];
    far.extend(trees);
    far.extend([Work::Insert(1_000), Work::Transaction, Work::Tasks(64)]);
    far
}

fn thousands(count: u32) -> String {
    if count < 1_000 { count.to_string() } else { format!("{},{:03}", count / 1_000, count % 1_000) }
}

impl Work {
    /// Its name in the report, and for `ONLY`.
    pub fn name(self) -> String {
        match self {
            Work::Find => "find by key".to_owned(),
            Work::Rows(count) => format!("rows {}", thousands(count)),
            Work::Wide(count) => format!("wide rows {}", thousands(count)),
            Work::Filter => "filter of 10 values".to_owned(),
            Work::Tree(Tree::Three(1)) => "include of 3 levels, 1 user".to_owned(),
            Work::Tree(Tree::Three(count)) => format!("include of 3 levels, {count} users"),
            Work::Tree(Tree::Five) => "include of 5 levels, 10 users".to_owned(),
            Work::Tree(Tree::BelongsTo) => "include of belongs-to, 1,000 posts".to_owned(),
            Work::Tree(Tree::HasMany) => "include of has-many, 100 users".to_owned(),
            Work::Tree(Tree::ManyToMany) => "include of many-to-many, 100 posts".to_owned(),
            Work::Tree(Tree::Limited) => "include of 3 a parent, 100 users".to_owned(),
            Work::Page => "page with count".to_owned(),
            Work::Cursor => "cursor deep in 1,000,000".to_owned(),
            Work::Insert(count) => format!("insert {}", thousands(count)),
            Work::Create => "create one".to_owned(),
            Work::UpdateOne => "update of 1 changed row".to_owned(),
            Work::UpdateMany => "update of 1,000 changed rows".to_owned(),
            Work::UpdateAll => "update of 1,000 by a condition".to_owned(),
            Work::Upsert => "upsert of 1,000".to_owned(),
            Work::Transaction => "transaction of 5 statements".to_owned(),
            Work::Tasks(1) => "1 task, pool of 10".to_owned(),
            Work::Tasks(count) => format!("{count} tasks, pool of 10"),
            Work::Stream => "stream of 1,000,000 rows".to_owned(),
        }
    }

    /// The workload of a name.
    pub fn of(name: &str) -> Option<Work> {
        all().into_iter().find(|work| work.name() == name)
    }

    /// How many operations a run has. Short ones run in a row: what a single one takes is mostly what the contender before it left in the caches.
    pub fn operations(self) -> u32 {
        match self {
            Work::Find => 100,
            Work::Rows(count) => (1_000 / count).clamp(1, 50),
            Work::Wide(count) => (300 / count).clamp(1, 30),
            Work::Filter | Work::Page => 10,
            Work::Cursor | Work::Transaction | Work::Tree(Tree::Three(1)) => 20,
            Work::Tree(Tree::ManyToMany | Tree::Limited) => 5,
            Work::Create | Work::UpdateOne => 50,
            Work::Tasks(count) => count * 25,
            Work::Insert(10) => 5,
            Work::Tree(_) | Work::Insert(_) | Work::UpdateMany | Work::UpdateAll | Work::Upsert | Work::Stream => 1,
        }
    }

    /// The same a millisecond away, where each round trip is long.
    pub fn operations_far(self) -> u32 {
        self.operations().min(if matches!(self, Work::Tasks(_)) { 640 } else { 10 })
    }

    pub fn rounds(self) -> usize {
        match self {
            Work::Find => 60,
            Work::Rows(10_000) | Work::Wide(10_000) => 20,
            Work::Rows(1_000) | Work::Wide(1_000) | Work::Create | Work::UpdateOne => 40,
            Work::Rows(_) | Work::Wide(_) => 50,
            Work::Filter | Work::Transaction | Work::Cursor => 30,
            Work::Page | Work::Tree(_) | Work::Tasks(_) => 20,
            Work::Insert(10_000) => 10,
            Work::Insert(_) | Work::UpdateMany | Work::UpdateAll | Work::Upsert => 15,
            Work::Stream => 5,
        }
    }

    /// Whether the table `inserted` is emptied before each run.
    pub fn empties(self) -> bool {
        matches!(self, Work::Insert(_))
    }

    /// Whether it is emptied before the first.
    pub fn begins_empty(self) -> bool {
        matches!(self, Work::Insert(_) | Work::Create | Work::Upsert)
    }

    /// The table that it writes.
    pub fn writes(self) -> Option<&'static str> {
        match self {
            Work::Insert(_) | Work::Create | Work::Upsert => Some("inserted"),
            Work::UpdateOne | Work::UpdateMany | Work::UpdateAll | Work::Transaction => Some("people"),
            _ => None,
        }
    }
}
