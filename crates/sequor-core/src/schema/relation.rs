//! [`RelationDef`]: a link between two models, and [`Link`], the same with its columns found.

use super::{ModelDef, ModelLink, Models};
use crate::Name;
use crate::error::{Error, Result};
use crate::value::Value;
use std::sync::Arc;

/// A relation of a model (Sequelize's association).
#[derive(Clone, Debug)]
pub struct RelationDef {
    /// Its name (Sequelize's alias).
    pub name: Name,
    /// Its name in JSON.
    pub json: Name,
    /// Where the key lives.
    pub kind: RelationKind,
    /// The other model.
    pub target: ModelLink,
    /// Fields of the foreign key: on the source for `BelongsTo`, on the target for `HasOne` and `HasMany`, on the through model (pointing to the source) for `BelongsToMany`.
    pub foreign_key: Vec<Name>,
    /// Where the convention decides: what the key's name begins with. Without a field `drug_id`, the key of a model that is known by its `code` is `drug_code`.
    pub key_stem: Option<Name>,
    /// Fields of the source that are pointed to; empty is its primary key.
    pub source_key: Vec<Name>,
    /// Fields of the target that are pointed to; empty is its primary key.
    pub target_key: Vec<Name>,
    /// The model between, for `BelongsToMany`.
    pub through: Option<ThroughDef>,
    /// Fixed values of the target: set on create, filtered on read (polymorphic relations).
    pub scope: Vec<(Name, Value)>,
    /// Whether the database enforces the key.
    pub constraints: bool,
    /// What the database does when the row pointed to is deleted.
    pub on_delete: Option<Action>,
    /// What the database does when the key pointed to changes.
    pub on_update: Option<Action>,
    /// Whether destroying the source destroys the target rows through Sequor, softly where they are paranoid.
    pub dependent_destroy: bool,
    /// Whether a `BelongsTo` must find its row (`BelongsTo<T>`, not `BelongsTo<Option<T>>`).
    pub required: bool,
    /// A field of the target row that counts this relation's rows (on `BelongsTo`).
    pub counter_cache: Option<Name>,
    /// Whether writing the source touches the target's `updated_at` (on `BelongsTo`).
    pub touch: bool,
}

/// The model between the two ends of a `BelongsToMany`.
#[derive(Clone, Debug)]
pub struct ThroughDef {
    /// The model.
    pub model: ModelLink,
    /// Its fields that point to the target.
    pub other_key: Vec<Name>,
    /// What their names begin with, where the convention decides.
    pub other_stem: Option<Name>,
    /// Fixed values of its rows.
    pub scope: Vec<(Name, Value)>,
    /// Whether a pair occurs once.
    pub unique: bool,
}

/// The four kinds of relations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// The source holds the key.
    BelongsTo,
    /// One row of the target holds the key.
    HasOne,
    /// Many rows of the target hold the key.
    HasMany,
    /// A third model holds both keys.
    BelongsToMany,
}

/// A referential action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// CASCADE.
    Cascade,
    /// RESTRICT.
    Restrict,
    /// SET NULL.
    SetNull,
    /// SET DEFAULT.
    SetDefault,
    /// NO ACTION.
    NoAction,
}

/// A relation with its models and columns found.
#[derive(Clone, Debug)]
pub struct Link {
    /// The other model.
    pub target: Arc<ModelDef>,
    /// Positions in the source of the columns that make the link.
    pub source: Vec<usize>,
    /// Positions in the target, pairwise.
    pub columns: Vec<usize>,
    /// The model between.
    pub through: Option<ThroughLink>,
}

/// The model between, with its columns found.
#[derive(Clone, Debug)]
pub struct ThroughLink {
    /// The model.
    pub model: Arc<ModelDef>,
    /// Positions that point to the source.
    pub to_source: Vec<usize>,
    /// Positions that point to the target.
    pub to_target: Vec<usize>,
}

impl RelationKind {
    /// Whether it leads to a list.
    pub fn is_many(self) -> bool {
        matches!(self, RelationKind::HasMany | RelationKind::BelongsToMany)
    }
}

impl Action {
    /// SQL's word.
    pub fn as_sql(self) -> &'static str {
        match self {
            Action::Cascade => "CASCADE",
            Action::Restrict => "RESTRICT",
            Action::SetNull => "SET NULL",
            Action::SetDefault => "SET DEFAULT",
            Action::NoAction => "NO ACTION",
        }
    }

    /// Reads SQL's word, in any case, with spaces or underscores.
    pub fn parse(text: &str) -> Option<Action> {
        Some(match text.to_ascii_uppercase().replace('_', " ").as_str() {
            "CASCADE" => Action::Cascade,
            "RESTRICT" => Action::Restrict,
            "SET NULL" => Action::SetNull,
            "SET DEFAULT" => Action::SetDefault,
            "NO ACTION" => Action::NoAction,
            _ => return None,
        })
    }
}

impl RelationDef {
    /// A relation by convention; the caller fills in what differs.
    pub fn new(name: impl Into<Name>, kind: RelationKind, target: ModelLink) -> RelationDef {
        let name = name.into();
        RelationDef {
            json: name.clone(),
            name,
            kind,
            target,
            foreign_key: Vec::new(),
            key_stem: None,
            source_key: Vec::new(),
            target_key: Vec::new(),
            through: None,
            scope: Vec::new(),
            constraints: true,
            on_delete: None,
            on_update: None,
            dependent_destroy: false,
            required: false,
            counter_cache: None,
            touch: false,
        }
    }

    /// Finds the models and columns of this relation.
    pub fn link(&self, source: &ModelDef, models: &dyn Models) -> Result<Link> {
        let target = models.model(&self.target)?;
        let key = |model: &ModelDef, names: &[Name], option: &str| self.positions(&source.name, model, names, option);
        let holds = |model: &ModelDef, names: &[Name], stem: Option<&Name>, pointed: (&ModelDef, &[usize]), option: &str| {
            let by_name = stem.and_then(|stem| by_convention(model, names, stem, pointed));
            by_name.map_or_else(|| self.positions(&source.name, model, names, option), Ok)
        };
        let (from, to, through) = match self.kind {
            RelationKind::BelongsTo => {
                (key(source, &self.foreign_key, "foreign_key")?, key(&target, &self.target_key, "target_key")?, None)
            }
            RelationKind::HasOne | RelationKind::HasMany => {
                let from = key(source, &self.source_key, "source_key")?;
                let to = holds(&target, &self.foreign_key, self.key_stem.as_ref(), (source, &from), "foreign_key")?;
                (from, to, None)
            }
            RelationKind::BelongsToMany => {
                let through =
                    self.through.as_ref().ok_or_else(|| Error::usage(format!("{}.{} has no through model", source.name, self.name)))?;
                let model = models.model(&through.model)?;
                let from = key(source, &self.source_key, "source_key")?;
                let to = key(&target, &self.target_key, "target_key")?;
                let link = ThroughLink {
                    to_source: holds(&model, &self.foreign_key, self.key_stem.as_ref(), (source, &from), "foreign_key")?,
                    to_target: holds(&model, &through.other_key, through.other_stem.as_ref(), (&target, &to), "other_key")?,
                    model,
                };
                (from, to, Some(link))
            }
        };
        let pairs = match &through {
            Some(through) => through.to_source.len() == from.len() && through.to_target.len() == to.len(),
            None => from.len() == to.len(),
        };
        if !pairs || from.is_empty() {
            return Err(Error::usage(format!(
                "{}.{}: the keys on the two sides have different numbers of columns, or none",
                source.name, self.name
            )));
        }
        Ok(Link { target, source: from, columns: to, through })
    }

    fn positions(&self, source: &Name, model: &ModelDef, names: &[Name], option: &str) -> Result<Vec<usize>> {
        if names.is_empty() {
            return Ok(model.primary_key.clone());
        }
        let missing = |name: &Name| {
            let relation = format!("{source}.{}", self.name);
            Error::usage(format!(
                "{relation}: {} has no field {name} for the key of this relation; add it, or say which one it is by `{option}`",
                model.name
            ))
        };
        names.iter().map(|name| model.position(name).ok_or_else(|| missing(name))).collect()
    }
}

/// The fields of a key that is named after what it points to, `drug_code`, where there is no `drug_id`.
fn by_convention(model: &ModelDef, names: &[Name], stem: &Name, (target, key): (&ModelDef, &[usize])) -> Option<Vec<usize>> {
    if names.iter().all(|name| model.position(name).is_some()) {
        return None;
    }
    key.iter().map(|position| model.position(&format!("{stem}_{}", target.columns[*position].name))).collect()
}
