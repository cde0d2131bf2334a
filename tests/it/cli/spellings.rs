//! What the fingers of Sequelize's users know: the flags of sequelize-cli, its commands that write parts of a project, and what a command in the wrong folder says.

use super::Project;
use super::databases::project;
use sequor::Dialect;
use sequor::prelude::*;

#[sequor::test]
async fn one_migration_is_undone_by_its_name(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    project.alone("migrate up").good();
    let said = project.alone("db:migrate:undo --name 20240101000000-users.js").good();
    assert!(said.contains("== 20240101000000-users: reverted") && !said.contains("tags"), "{said}");
    let status = project.alone("migrate status").good();
    assert_eq!(status, "down 20240101000000-users  late: one that sorts behind it has run\nup 20240102000000-tags");
    assert!(project.alone("migrate down --name 20240101000000-users").bad().contains("has not run, so nothing was undone"));
    assert!(project.alone("migrate down --name 2099-none").bad().contains("there is no migration 2099-none: there are"));
    let error = project.alone("db:migrate --from 20240102000000-tags").bad();
    assert!(error.contains("20240101000000-users has not run, and --from would pass over it") && error.contains("baseline"), "{error}");
    project.alone("migrate up --out-of-order").good();
    assert!(project.alone("db:migrate --from 20240102000000-tags").good().contains("already up to date"));
    project.alone("migrate reset --yes").good();
    let plan = project.alone("migrate up --plan --to 20240101000000-users").good();
    assert!(plan.contains("CREATE TABLE users") && !plan.contains("CREATE TABLE tags"), "{plan}");
    // Somebody's rows are asked about under this name, too.
    project.alone("migrate up").good();
    let connected = project.connect().await;
    connected.execute_sql_script("INSERT INTO tags (name) VALUES ('a')").await?;
    connected.close().await?;
    let error = project.alone("migrate down --name 20240102000000-tags").bad();
    assert!(error.contains("Undoing 20240102000000-tags removes 1 row of tags"), "{error}");
    project.remove().await;
    Ok(())
}

#[sequor::test]
async fn a_database_is_made_with_its_character_set(db: Db) -> sequor::Result<()> {
    let Some(project) = project(&db).await else { return Ok(()) };
    let url = format!("{}_made", project.url());
    let variables = [("DATABASE_URL", url.as_str())];
    let (given, question, wanted) = match db.dialect() {
        Dialect::Sqlite => {
            let error = project.alone_with("db:create --charset utf8mb4", &variables).bad();
            assert!(error.contains("has no charset when it is made; it has none of these options"), "{error}");
            return project.remove_quietly().await;
        }
        Dialect::Postgres => (
            "--encoding SQL_ASCII --collate C --ctype C --template template0",
            sql!("SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = current_database()"),
            "SQL_ASCII",
        ),
        Dialect::Mysql | Dialect::Mariadb => {
            ("--charset latin1 --collate latin1_bin", sql!("SELECT CAST(@@collation_database AS CHAR)"), "latin1_bin")
        }
    };
    let error = project.alone_with("db:create --collate x;y", &variables).bad();
    assert!(error.contains("\"x;y\" is no collate"), "{error}");
    assert!(project.alone_with("migrate up", &variables).bad().contains("Make it with `sequor db create`"));
    assert!(project.alone_with(&format!("db:create {given}"), &variables).good().ends_with("created."));
    let made = Db::connect(&url).await?;
    let found: Vec<(String,)> = made.query_as(question).await?;
    assert_eq!(found, [(wanted.to_owned(),)]);
    made.close().await?;
    project.alone_with("db:drop --yes", &variables).good();
    project.remove().await;
    Ok(())
}

#[tokio::test]
async fn flags_name_the_files_of_sequelize() {
    let project = Project::empty();
    project.file("other/config.json", "{ \"test\": { \"dialect\": \"sqlite\", \"storage\": \"other.db\" } }");
    project.file("other/rc", "module.exports = { 'migrations-path': 'other/up' };\n");
    project.file("other/up/20240101000000-users.sql", "CREATE TABLE users (id integer PRIMARY KEY);\n");
    let line = "db:migrate --env test --config other/config.json --options-path other/rc --debug";
    let elsewhere = [("DATABASE_URL", "sqlite://wrong.db")];
    assert!(project.alone_with(line, &elsewhere).good().contains("20240101000000-users: migrated"));
    assert!(project.path().join("other.db").is_file() && !project.path().join("wrong.db").exists());
    assert!(project.alone("db:migrate --config none.json").bad().contains("--config names none.json, which is not there"));
    assert!(project.alone("db:migrate --options-path none").bad().contains("--options-path names none, which is not there"));
    assert!(
        project.alone("model:generate --name User --attributes name:string --models-path app/models").good().contains("app/models/user.rs")
    );
    assert!(project.path().join("app/models.rs").is_file());
    project.remove().await;
}

#[tokio::test]
async fn parts_of_a_project_are_written_alone() {
    let project = Project::empty();
    assert_eq!(project.alone("init:config").good(), "Created sequor.toml");
    assert_eq!(project.alone("init:migrations").good(), "Created migrations/.gitkeep");
    assert_eq!(project.alone("init:migrations").good(), "It is there already.");
    assert_eq!(project.alone("init:models").good(), "Created src/models.rs\nCreated src/models/user.rs");
    assert!(project.alone("init:config").bad().contains("sequor.toml is there already; --force writes over it"));
    assert!(!project.path().join("Cargo.toml").exists() && !project.path().join("seeders").exists());
    project.remove().await;
}

#[tokio::test]
async fn a_command_in_the_wrong_folder_says_so_and_makes_no_database() {
    let project = Project::empty();
    let there = [("DATABASE_URL", "sqlite://app.db")];
    for line in ["migrate up", "migrate status", "migrate check", "db:migrate:undo", "migrate up --migrations-path none"] {
        let error = project.alone_with(line, &there).bad();
        assert!(error.contains("there is no folder ") && error.contains("--migrations-path"), "{line}: {error}");
    }
    project.file("migrations/20240101000000-tags/up.sql", "CREATE TABLE tags (name text);\n");
    assert_eq!(project.alone_with("migrate status", &there).good(), "down 20240101000000-tags");
    assert!(project.alone_with("migrate up --plan", &there).good().contains("CREATE TABLE tags"));
    assert!(!project.path().join("app.db").exists());
    project.remove().await;
}

#[tokio::test]
async fn words_of_other_tools_are_answered_with_ours() {
    let project = Project::empty();
    let answered = [
        ("migrate dev --name init", "`migrate dev` is Prisma's; here: `sequor migrate generate NAME`, then `sequor migrate up`"),
        ("db push", "`SyncMode::Alter`"),
        ("makemigrations polls", "`makemigrations` is Django's; here: `sequor migrate generate NAME`"),
        ("migrate polls 0001", "`sequor migrate to NAME`"),
        ("db:migrate:schema:timestamps:add", "`sequor_migrations` holds the time"),
        ("migrate generate x --create-only", "--create-only is another tool's"),
        ("db:drop --force", "--force is another tool's: `--yes` confirms"),
        ("migration run", "`sequor migrate up`"),
    ];
    for (line, expected) in answered {
        let ran = project.alone(line);
        assert!(ran.status == 2 && ran.error.contains(expected), "{line}: {ran:?}");
    }
    // What nobody has is told as before.
    assert!(project.alone("migrate upp").error.contains("unrecognized subcommand 'upp'"));
    assert!(project.alone("migrate up --tomorrow").error.contains("unexpected argument '--tomorrow'"));
    project.remove().await;
}
