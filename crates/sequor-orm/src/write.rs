//! The one order of a write: validate → before hooks → statement → after hooks → after commit.
//!
//! Everything here works on [`RowState`]; drafts, edits and records are thin shells around it.

mod association;
mod bulk;
mod create;
mod delete;
mod draft;
mod edit;
pub mod hints;
mod row;
mod save;
mod statics;
mod update;
mod upsert;
mod verbs;

use row::{fill, graph, insert, naming, options, state};

pub(crate) use row::parents;

pub use association::{Linked, RelationHandle, RelationOps};
pub(crate) use association::{Side, add_fresh, add_links, count_related, has_links, related, remove_links, set_links};
pub(crate) use bulk::{BulkOptions, OnDuplicate, bulk_create, covered_key};
pub(crate) use create::{create, create_forgetful, prepare};
pub(crate) use delete::{DestroyOptions, destroy, destroy_all, restore, restore_all, truncate};
pub(crate) use draft::instance_of;
pub use draft::{ChildList, Children, CreateWith, Draft};
pub use edit::{Edit, SaveAll, SaveWith};
pub(crate) use fill::actor_of;
pub(crate) use naming::named;
pub use options::WriteOptions;
pub(crate) use options::{Call, Recheck, called};
pub(crate) use save::{increment, increment_where, save, save_forgetful, save_many};
pub(crate) use state::shown;
pub use state::{Child, RowState};
pub use statics::{BulkCount, BulkCreate, DestroyAll, FindOrCreate, ModelWrites, RestoreAll, Truncate, UpdateAll, UpdateReturning, Upsert};
pub(crate) use update::{UpdateOptions, update_all};
pub(crate) use upsert::{create_unless_there, find_or_create, upsert};
pub use verbs::{DestroyWith, InstanceWrites};
