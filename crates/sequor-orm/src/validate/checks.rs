//! Rules of validation as CHECKs of the table: which there are and how they are called. What they say is SQL, and stands in `sequor-sql`.

use super::rules;
use sequor_core::schema::{CheckDef, ModelDef, RuleDef, shorten};
use sequor_sql::rule_as_check;

/// The checks of the rules that SQL can say.
pub(crate) fn checks(model: &ModelDef) -> Vec<CheckDef> {
    let mut checks: Vec<CheckDef> = Vec::new();
    for column in &model.columns {
        let said = |rule| Some((key(rule), rule_as_check(column, key(rule), &rule.args)?));
        let rules = column.rules.iter().filter(|rule| rule.custom.is_none());
        for (number, (key, expression)) in rules.filter_map(said).enumerate() {
            let ending = if number == 0 { String::new() } else { format!("_{number}") };
            let name = shorten(&format!("{}_{}_{key}{ending}", model.table.name, column.column), 63);
            checks.push(CheckDef { name: name.into(), expression: expression.into() });
        }
    }
    checks
}

/// Sequelize's name of a rule, whichever it is written by.
fn key(rule: &RuleDef) -> &str {
    rules::find(&rule.key).map_or(&rule.key, |rule| rule.key)
}
