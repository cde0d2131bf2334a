//! An ORM in the Sequelize tradition: models, associations, hooks, eager loading, transactions, migrations.
