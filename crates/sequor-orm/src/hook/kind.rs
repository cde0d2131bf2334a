//! [`HookKind`]: every hook of Sequelize's table, in one list.

use sequor_core::error::{Error, Result};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $snake:literal, $camel:literal;)*) => {
        /// A hook of the lifecycle.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum HookKind {
            $($(#[$doc])* $variant,)*
        }

        impl HookKind {
            /// All hooks.
            pub const ALL: &'static [HookKind] = &[$(HookKind::$variant),*];

            /// The name in Rust: `before_create`.
            pub fn name(self) -> &'static str {
                match self {
                    $(HookKind::$variant => $snake,)*
                }
            }

            /// Sequelize's name: `beforeCreate`.
            pub fn sequelize_name(self) -> &'static str {
                match self {
                    $(HookKind::$variant => $camel,)*
                }
            }

            /// What is done when it runs: `create`, `update`, ..
            pub fn operation(self) -> &'static str {
                let name = self.name();
                let name = name.strip_prefix("before_").or_else(|| name.strip_prefix("after_")).unwrap_or(name);
                name.strip_prefix("bulk_").unwrap_or(name)
            }

            /// Finds a hook by either name.
            pub fn parse(name: &str) -> Option<HookKind> {
                HookKind::ALL.iter().copied().find(|kind| kind.name() == name || kind.sequelize_name() == name)
            }
        }
    };
}

kinds! {
    /// Before the rules are checked.
    BeforeValidate = "before_validate", "beforeValidate";
    /// After the rules held.
    AfterValidate = "after_validate", "afterValidate";
    /// After a rule failed.
    ValidationFailed = "validation_failed", "validationFailed";
    /// Before a row is created.
    BeforeCreate = "before_create", "beforeCreate";
    /// After a row was created.
    AfterCreate = "after_create", "afterCreate";
    /// Before a row is updated.
    BeforeUpdate = "before_update", "beforeUpdate";
    /// After a row was updated.
    AfterUpdate = "after_update", "afterUpdate";
    /// Before a row is created or updated.
    BeforeSave = "before_save", "beforeSave";
    /// After a row was created or updated.
    AfterSave = "after_save", "afterSave";
    /// Before a row is deleted.
    BeforeDestroy = "before_destroy", "beforeDestroy";
    /// After a row was deleted.
    AfterDestroy = "after_destroy", "afterDestroy";
    /// Before a row is restored.
    BeforeRestore = "before_restore", "beforeRestore";
    /// After a row was restored.
    AfterRestore = "after_restore", "afterRestore";
    /// Before an upsert.
    BeforeUpsert = "before_upsert", "beforeUpsert";
    /// After an upsert.
    AfterUpsert = "after_upsert", "afterUpsert";
    /// Before many rows are created.
    BeforeBulkCreate = "before_bulk_create", "beforeBulkCreate";
    /// After many rows were created.
    AfterBulkCreate = "after_bulk_create", "afterBulkCreate";
    /// Before many rows are updated.
    BeforeBulkUpdate = "before_bulk_update", "beforeBulkUpdate";
    /// After many rows were updated.
    AfterBulkUpdate = "after_bulk_update", "afterBulkUpdate";
    /// Before many rows are deleted.
    BeforeBulkDestroy = "before_bulk_destroy", "beforeBulkDestroy";
    /// After many rows were deleted.
    AfterBulkDestroy = "after_bulk_destroy", "afterBulkDestroy";
    /// Before many rows are restored.
    BeforeBulkRestore = "before_bulk_restore", "beforeBulkRestore";
    /// After many rows were restored.
    AfterBulkRestore = "after_bulk_restore", "afterBulkRestore";
    /// Before a find, with the query.
    BeforeFind = "before_find", "beforeFind";
    /// Before a find, once includes are known.
    BeforeFindAfterExpandIncludeAll = "before_find_after_expand_include_all", "beforeFindAfterExpandIncludeAll";
    /// Before a find, once its options are complete.
    BeforeFindAfterOptions = "before_find_after_options", "beforeFindAfterOptions";
    /// After a find.
    AfterFind = "after_find", "afterFind";
    /// Before a count.
    BeforeCount = "before_count", "beforeCount";
    /// Before a table is made.
    BeforeSync = "before_sync", "beforeSync";
    /// After a table was made.
    AfterSync = "after_sync", "afterSync";
    /// Before all tables are made.
    BeforeBulkSync = "before_bulk_sync", "beforeBulkSync";
    /// After all tables were made.
    AfterBulkSync = "after_bulk_sync", "afterBulkSync";
    /// Before a statement is sent.
    BeforeQuery = "before_query", "beforeQuery";
    /// After a statement was answered, or failed.
    AfterQuery = "after_query", "afterQuery";
    /// After any change of any row, in its transaction.
    AfterChange = "after_change", "afterChange";
    /// After the change became durable.
    AfterCommit = "after_commit", "afterCommit";
    /// After rows were read, on every path on which they leave the engine.
    AfterRead = "after_read", "afterRead";
}

impl HookKind {
    /// The hooks around the statement of a write.
    pub const WRITES: &'static [HookKind] = &[
        HookKind::BeforeValidate,
        HookKind::AfterValidate,
        HookKind::BeforeCreate,
        HookKind::AfterCreate,
        HookKind::BeforeUpdate,
        HookKind::AfterUpdate,
        HookKind::BeforeSave,
        HookKind::AfterSave,
        HookKind::BeforeDestroy,
        HookKind::AfterDestroy,
        HookKind::BeforeRestore,
        HookKind::AfterRestore,
        HookKind::BeforeUpsert,
        HookKind::AfterUpsert,
        HookKind::BeforeBulkCreate,
        HookKind::AfterBulkCreate,
        HookKind::BeforeBulkUpdate,
        HookKind::AfterBulkUpdate,
        HookKind::BeforeBulkDestroy,
        HookKind::AfterBulkDestroy,
        HookKind::BeforeBulkRestore,
        HookKind::AfterBulkRestore,
    ];

    /// The hooks of a find.
    pub(crate) const FINDS: &'static [HookKind] =
        &[HookKind::BeforeFind, HookKind::BeforeFindAfterExpandIncludeAll, HookKind::BeforeFindAfterOptions, HookKind::AfterFind];

    /// The hooks after the statement of one row, which `rows = true` calls for the rows of writes of many too.
    pub(crate) const ROWS: &'static [HookKind] =
        &[HookKind::AfterCreate, HookKind::AfterUpdate, HookKind::AfterSave, HookKind::AfterDestroy, HookKind::AfterRestore];

    /// One bit of its own.
    pub(crate) fn bit(self) -> u64 {
        1 << (self as u32)
    }

    /// Finds a hook by either name.
    ///
    /// # Errors
    /// `Usage` that lists the names there are.
    pub fn require(name: &str) -> Result<HookKind> {
        HookKind::parse(name).ok_or_else(|| {
            let names: Vec<&str> = HookKind::ALL.iter().map(|kind| kind.name()).collect();
            Error::usage(format!("there is no hook {name:?}; known are {}", names.join(", ")))
        })
    }

    /// Whether neither `hooks(false)` nor a name skips it: listeners of changes and of reads miss nothing.
    pub fn is_mandatory(self) -> bool {
        matches!(self, HookKind::AfterChange | HookKind::AfterCommit | HookKind::AfterRead)
    }
}

// Which kinds of hooks there are is kept in the bits of one word.
const _: () = assert!(HookKind::ALL.len() <= 64);
