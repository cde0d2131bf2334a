//! Associations between models that are known by name, with Sequelize's defaults.

use super::attribute::describe;
use super::options::Options;
use super::{Convention, action, build, key_name};
use crate::db::Db;
use crate::hook::ModelMoment;
use sequor_core::Name;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{
    Action, ColumnDef, Default as ColumnDefault, ModelDef, ModelLink, Models, RelationDef, RelationKind, ThroughDef, Unique, pluralize,
    singularize, underscore,
};
use sequor_core::types::value_from_json;
use serde_json::{Map, Value as Json};
use std::sync::Arc;

#[cold]
fn wrong(message: impl Into<String>) -> Error {
    Error::of_usage(UsageErrorKind::Association, message)
}

fn link(name: &str) -> ModelLink {
    ModelLink { name: name.to_owned().into(), get: None }
}

/// What the key of an association is called, and how it is declared.
struct Key {
    name: String,
    /// The attribute's options beside its name and its type, which is that of the key that it points to.
    attribute: Map<String, Json>,
}

fn key(json: Option<&Json>, otherwise: impl FnOnce() -> String) -> Key {
    match json {
        Some(Json::String(name)) => Key { name: name.clone(), attribute: Map::new() },
        Some(Json::Object(map)) => {
            let name = map.get("name").or_else(|| map.get("fieldName")).and_then(Json::as_str).map_or_else(otherwise, str::to_owned);
            let mut attribute = map.clone();
            // The association's own options say what happens to its rows.
            for other in ["name", "fieldName", "type", "onDelete", "onUpdate"] {
                attribute.remove(other);
            }
            Key { name, attribute }
        }
        _ => Key { name: otherwise(), attribute: Map::new() },
    }
}

impl Db {
    /// Connects two models: `{ "type": "hasMany", "source", "target", "as", "foreignKey", .. }`. Sequelize: `User.hasMany(Post, options)`.
    ///
    /// # Errors
    /// `Usage(Association)` for unknown models, an alias that is taken, a many-to-many without `through`.
    pub fn associate(&self, json: Json) -> Result<()> {
        let source = json.get("source").and_then(Json::as_str).unwrap_or_default().to_owned();
        let tell = |moment| {
            let Some(known) = self.registry().by_name(&source) else { return Ok(()) };
            let mut def = (*known).clone();
            let result = self.hook_table().connection.model(moment, &mut def);
            if moment == ModelMoment::BeforeAssociate && result.is_ok() {
                self.registry().add(Arc::new(def));
            }
            result
        };
        tell(ModelMoment::BeforeAssociate)?;
        self.connect_models(json)?;
        tell(ModelMoment::AfterAssociate)
    }

    fn connect_models(&self, json: Json) -> Result<()> {
        let Json::Object(map) = json else { return Err(wrong("an association is an object")) };
        let text = |key: &str| map.get(key).and_then(Json::as_str);
        let find = |name: Option<&str>| -> Result<ModelDef> {
            let name = name.ok_or_else(|| wrong("an association needs source and target"))?;
            self.registry()
                .by_name(name)
                .map(|model| (*model).clone())
                .ok_or_else(|| wrong(format!("{} has not been defined", name.escape_debug())))
        };
        let mut source = find(text("source"))?;
        let mut target = find(text("target"))?;
        let kind = match text("type") {
            Some("belongsTo") => RelationKind::BelongsTo,
            Some("hasOne") => RelationKind::HasOne,
            Some("hasMany") => RelationKind::HasMany,
            Some("belongsToMany") => RelationKind::BelongsToMany,
            other => return Err(wrong(format!("unknown association type {other:?}"))),
        };
        let own_alias = alias_of(map.get("as"), kind);
        let alias =
            own_alias.clone().unwrap_or_else(|| if kind.is_many() { target.plural.to_string() } else { target.singular.to_string() });
        alias_is_free(&source, &alias, own_alias.is_some())?;
        let mut relation = RelationDef::new(alias.clone(), kind, link(&target.name));
        relation.constraints = map.get("constraints").and_then(Json::as_bool).unwrap_or(true);
        relation.on_delete = action("onDelete", map.get("onDelete")).map_err(wrong)?;
        relation.on_update = action("onUpdate", map.get("onUpdate")).map_err(wrong)?;
        relation.dependent_destroy = map.get("hooks").and_then(Json::as_bool) == Some(true) && relation.on_delete == Some(Action::Cascade);
        relation.scope = scope(&target, map.get("scope"))?;
        let own_key = |name: &str| text(name).map(|key| vec![Name::Owned(key.to_owned())]).unwrap_or_default();
        relation.source_key = own_key("sourceKey");
        relation.target_key = own_key("targetKey");
        for (model, keys) in [(&source, &relation.source_key), (&target, &relation.target_key)] {
            if let Some(unknown) = keys.iter().find(|key| model.position(key).is_none()) {
                return Err(wrong(format!(
                    "Unknown attribute \"{unknown}\" passed as key, define this attribute on model \"{}\" first",
                    model.name
                )));
            }
        }
        let (same, known) = (source.name == target.name, self.registry().all());
        match kind {
            RelationKind::BelongsTo => {
                let pointed = pointed(&target, &relation.target_key);
                let owner = own_alias.unwrap_or_else(|| target.singular.to_string());
                let key = key(map.get("foreignKey"), || key_name(&owner, &pointed_by_default(&target)));
                settle(&known, &source, &key, &mut relation);
                add_key(&known, &mut source, &key, &pointed)?;
                relation.foreign_key = vec![key.name.into()];
            }
            RelationKind::HasOne | RelationKind::HasMany => {
                let pointed = pointed(&source, &relation.source_key);
                // The key of a hasOne is called after its alias.
                let owner = match own_alias.filter(|_| kind == RelationKind::HasOne) {
                    Some(alias) => singularize(&alias),
                    None if kind == RelationKind::HasOne => singularize(&source.name),
                    None => source.singular.to_string(),
                };
                let key = key(map.get("foreignKey"), || key_name(&owner, &pointed_by_default(&source)));
                let holder = if same { &mut source } else { &mut target };
                settle(&known, holder, &key, &mut relation);
                add_key(&known, holder, &key, &pointed)?;
                relation.foreign_key = vec![key.name.into()];
            }
            RelationKind::BelongsToMany => self.through(&source, &target, &map, &mut relation, own_alias.as_deref())?,
        }
        // The last association without an alias is the one that its name stands for.
        source.relations.retain(|known| known.name != relation.name);
        source.relations.push(relation);
        self.registry().add(Arc::new(source));
        if !same && kind != RelationKind::BelongsToMany {
            self.registry().add(Arc::new(target));
        }
        Ok(())
    }

    /// The model between: a known one, or one that is made.
    fn through(
        &self,
        source: &ModelDef,
        target: &ModelDef,
        map: &Map<String, Json>,
        relation: &mut RelationDef,
        alias: Option<&str>,
    ) -> Result<()> {
        let through = map.get("through").ok_or_else(|| {
            wrong(format!("{}.belongsToMany({}) requires a through option, pass either a string or a model", source.name, target.name))
        })?;
        let (name, unique, fixed) = match through {
            Json::String(name) => (name.clone(), true, None),
            Json::Object(through) => (
                through.get("model").and_then(Json::as_str).unwrap_or_default().to_owned(),
                through.get("unique").and_then(Json::as_bool).unwrap_or(true),
                through.get("scope"),
            ),
            _ => return Err(wrong("through is a name or an object with a model")),
        };
        if source.name == target.name && alias.is_none() {
            return Err(wrong("'as' must be defined for many-to-many self-associations"));
        }
        let known = self.registry().by_name(&name);
        let made = known.is_none();
        let stamped = through.get("timestamps").or_else(|| map.get("timestamps")).and_then(Json::as_bool).unwrap_or(true);
        let mut model = known.map_or_else(|| between(&name, stamped, source), |model| Ok((*model).clone()))?;
        let mut target = target.clone();
        let paired = target.relations.iter().position(|other| goes_back(other, source, &name));
        if let (Some(paired), true) = (paired, relation.target_key.is_empty()) {
            relation.target_key = target.relations[paired].source_key.clone();
        }
        let from = pointed(source, &relation.source_key);
        let to = pointed(&target, &relation.target_key);
        let own = key(map.get("foreignKey"), || key_name(&source.singular, &from.name));
        let other_owner = if source.name == target.name { alias.map(singularize).unwrap_or_default() } else { target.singular.to_string() };
        let other = key(map.get("otherKey"), || match paired {
            Some(paired) => target.relations[paired].foreign_key[0].to_string(),
            None => key_name(&other_owner, &to.name),
        });
        if let Some(paired) = paired {
            agree(&mut target.relations[paired], &mut model, source, relation, (&own.name, &from));
            if source.name != target.name {
                self.registry().add(Arc::new(target));
            }
        }
        let implicit = if convention(&model).implicit_key { model.position("id") } else { None };
        let known_models = self.registry().all();
        for (key, pointed) in [(&own, &from), (&other, &to)] {
            add_key(&known_models, &mut model, key, pointed)?;
        }
        // A model between without a key of its own is known by the pair.
        let own_key = model.primary_key.iter().any(|position| Some(*position) != implicit);
        if (made || !own_key) && unique {
            if let Some(position) = implicit.filter(|_| !made || model.columns.len() > 2) {
                remove_column(&mut model, position);
            }
            for name in [&own.name, &other.name] {
                if let Some(position) = model.position(name) {
                    model.columns[position].primary_key = true;
                    model.columns[position].nullable = false;
                }
            }
            model.primary_key = (0..model.columns.len()).filter(|position| model.columns[*position].primary_key).collect();
        }
        if own_key && unique && !made {
            pair_once(&mut model, [&own.name, &other.name]);
        }
        relation.foreign_key = vec![own.name.into()];
        relation.through = Some(ThroughDef {
            model: link(&name),
            other_key: vec![other.name.into()],
            other_stem: None,
            scope: scope(&model, fixed)?,
            unique,
        });
        self.registry().add(Arc::new(model));
        Ok(())
    }
}

fn alias_is_free(source: &ModelDef, alias: &str, chosen: bool) -> Result<()> {
    if source.position(alias).is_some() {
        return Err(Error::usage(format!(
            "Naming collision between attribute '{alias}' and association '{alias}' on model {}. To remedy this, change either foreignKey or as in your association definition",
            source.name
        )));
    }
    if chosen && source.relation(alias).is_some() {
        return Err(wrong(format!(
            "You have used the alias {alias} in two separate associations. Aliased associations must have unique aliases."
        )));
    }
    Ok(())
}

/// A model between that nobody defined: its columns follow the options of the model that named it first.
fn between(name: &str, stamped: bool, source: &ModelDef) -> Result<ModelDef> {
    let mut options = crate::hook::behaviors(source).map(|behaviors| behaviors.scopes.inherited.clone()).unwrap_or_default();
    options.insert("tableName".into(), name.into());
    options.insert("timestamps".into(), stamped.into());
    build(name, &Options { map: options }, Map::new())
}

/// The two ends of a many-to-many association agree on their keys: what the other end named by convention alone is what this end names.
fn agree(there: &mut RelationDef, model: &mut ModelDef, source: &ModelDef, relation: &RelationDef, (own, pointed): (&str, &ColumnDef)) {
    if there.target_key.is_empty() {
        there.target_key = relation.source_key.clone();
    }
    if let Some(through) = &mut there.through
        && through.other_key[0] == key_name(&source.singular, &pointed_by_default(source)).as_str()
        && through.other_key[0] != own
    {
        rename_key(model, &through.other_key[0], own, pointed);
        through.other_key = vec![own.to_owned().into()];
    }
}

/// Whether the many-to-many relation is the other end of one of the model through the same model between.
fn goes_back(relation: &RelationDef, to: &ModelDef, through: &str) -> bool {
    let between = relation.through.as_ref().is_some_and(|there| there.model.name == through);
    between && relation.target.name == to.name
}

/// Gives the key that a model between got by convention the name that the other end has for it.
fn rename_key(model: &mut ModelDef, from: &str, to: &str, pointed: &ColumnDef) {
    if model.position(to).is_some() {
        return;
    }
    let underscored = convention(model).underscored;
    if let Some(position) = model.position(from) {
        let column = &mut model.columns[position];
        column.name = to.to_owned().into();
        column.column = if underscored { underscore(to).into() } else { to.to_owned().into() };
        column.ty = pointed.ty.clone();
    }
}

/// The attribute that default names of keys are made of: the primary key, whatever the relation points to.
fn pointed_by_default(model: &ModelDef) -> Name {
    pointed(model, &[]).name
}

/// A model between with a key of its own has each pair once all the same. Where the pair is the key, it is once already: the other end made it so.
fn pair_once(model: &mut ModelDef, keys: [&str; 2]) {
    let positions: Vec<usize> = keys.iter().filter_map(|name| model.position(name)).collect();
    if model.primary_key.len() == positions.len() && positions.iter().all(|position| model.primary_key.contains(position)) {
        return;
    }
    if positions.iter().any(|position| model.columns[*position].unique.is_some()) || positions.len() < 2 {
        return;
    }
    let names: Vec<&str> = positions.iter().map(|position| model.columns[*position].column.as_ref()).collect();
    let group = format!("{}_{}_unique", model.table.name, names.join("_"));
    for position in positions {
        model.columns[position].unique = Some(Unique { group: Some(group.clone().into()), message: None });
    }
}

/// What a model's definition left to convention.
fn convention(model: &ModelDef) -> Convention {
    crate::hook::behaviors(model).map(|behaviors| behaviors.scopes.convention.clone()).unwrap_or_default()
}

/// Positions behind the column move up by one.
fn remove_column(model: &mut ModelDef, position: usize) {
    model.columns.remove(position);
    let shift = |known: &mut Option<usize>| {
        if let Some(known) = known
            && *known > position
        {
            *known -= 1;
        }
    };
    shift(&mut model.timestamps.created);
    shift(&mut model.timestamps.updated);
    shift(&mut model.version);
    if let Some(sequor_core::schema::SoftDelete::Timestamp { column } | sequor_core::schema::SoftDelete::Flag { column, .. }) =
        &mut model.soft_delete
        && *column > position
    {
        *column -= 1;
    }
}

fn alias_of(json: Option<&Json>, kind: RelationKind) -> Option<String> {
    match json? {
        Json::String(alias) => Some(alias.clone()),
        Json::Object(names) => {
            let key = if kind.is_many() { "plural" } else { "singular" };
            names.get(key).and_then(Json::as_str).map(str::to_owned).or_else(|| names.get("singular").and_then(Json::as_str).map(pluralize))
        }
        _ => None,
    }
}

fn pointed(model: &ModelDef, keys: &[Name]) -> ColumnDef {
    let named = keys.first().and_then(|name| model.column(name));
    named.or_else(|| model.key_columns().next()).cloned().unwrap_or_else(|| ColumnDef::new("id", sequor_core::types::ColumnType::I32))
}

/// Adds the key's attribute, or completes the one that is there: what it says already stays.
fn add_key(models: &[Arc<ModelDef>], model: &mut ModelDef, key: &Key, pointed: &ColumnDef) -> Result<()> {
    let mut attribute = key.attribute.clone();
    if let Some(position) = model.position(&key.name) {
        attribute.remove("field");
        // An association has said already how the key is declared.
        if uses(models, model, &key.name).next().is_some() {
            attribute.remove("allowNull");
        }
        let mut column = model.columns[position].clone();
        let own = column.clone();
        describe(model, &mut column, attribute)?;
        if !matches!(own.default, ColumnDefault::None) {
            column.default = own.default;
        }
        column.unique = own.unique.or(column.unique);
        column.references = own.references.or(column.references);
        if !own.rules.is_empty() {
            column.rules = own.rules;
        }
        model.columns[position] = column;
        return Ok(());
    }
    let mut column = ColumnDef::new(key.name.clone(), pointed.ty.clone());
    if convention(model).underscored {
        column.column = underscore(&key.name).into();
    }
    column.nullable = true;
    describe(model, &mut column, attribute)?;
    model.columns.push(column);
    Ok(())
}

/// What happens to the rows of an association: the first that uses a key decides, then what it says itself, then whether the key may be null.
fn settle(models: &[Arc<ModelDef>], holder: &ModelDef, key: &Key, relation: &mut RelationDef) {
    if !relation.constraints {
        return;
    }
    if let Some(first) = uses(models, holder, &key.name).find(|first| first.constraints) {
        (relation.on_delete, relation.on_update) = (first.on_delete, first.on_update);
        return;
    }
    // Null is what an association's own key may be unless it says otherwise; of an attribute that was declared, the declaration says it.
    let nullable = match holder.column(&key.name) {
        Some(column) => column.nullable && !convention(holder).unsaid.contains(&column.name),
        None => key.attribute.get("allowNull").and_then(Json::as_bool).unwrap_or(true),
    };
    let otherwise = match (nullable, relation.kind) {
        (true, _) => Action::SetNull,
        (false, RelationKind::BelongsTo) => Action::NoAction,
        (false, _) => Action::Cascade,
    };
    relation.on_delete.get_or_insert(otherwise);
    relation.on_update.get_or_insert(Action::Cascade);
}

/// The associations by this key, but for the many-to-many ones.
fn uses<'a>(models: &'a [Arc<ModelDef>], holder: &'a ModelDef, name: &'a str) -> impl Iterator<Item = &'a RelationDef> {
    models.iter().flat_map(move |other| {
        other.relations.iter().filter(move |relation| {
            let owner = if relation.kind == RelationKind::BelongsTo { &other.name } else { &relation.target.name };
            relation.through.is_none() && *owner == holder.name && relation.foreign_key.iter().any(|key| *key == *name)
        })
    })
}

fn scope(model: &ModelDef, json: Option<&Json>) -> Result<Vec<(Name, sequor_core::Value)>> {
    let Some(Json::Object(map)) = json else { return Ok(Vec::new()) };
    map.iter()
        .map(|(name, value)| {
            let column = model.column(name).ok_or_else(|| model.unknown(name))?;
            Ok((column.name.clone(), value_from_json(&column.ty, value.clone())?))
        })
        .collect()
}
