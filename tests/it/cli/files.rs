//! What needs no database: files that are written, help, completions, wrong arguments.

use super::Project;

#[tokio::test]
async fn generators_write_files_and_refuse_to_overwrite() {
    let project = Project::empty();
    let made = project.alone("migration:generate --name add-phone --json").good();
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let path = project.path().join(made["path"].as_str().unwrap());
    assert!(path.join("up.sql").is_file() && path.join("down.sql").is_file() && made["name"].as_str().unwrap().ends_with("-add-phone"));
    assert!(project.alone("seed new users --format yaml").good().ends_with("-users.yaml ."));
    assert!(project.alone("migrate new a/b").bad().contains("\"a/b\" is no name"));
    let line = "model generate User name:string email:string:unique role:enum:{admin,nurse}";
    assert!(project.alone(line).good().starts_with("New model was created at src/models/user.rs ."));
    assert!(project.alone(line).bad().contains("src/models/user.rs is there already; --force writes over it"));
    assert!(project.alone("migrate new split-names --rust").good().ends_with("-split-names ."));
    assert_eq!(project.alone("migrate new views --repeatable").good(), "New migration was created at migrations/views .");
    assert!(std::fs::read_to_string(project.path().join("migrations/views/up.sql")).unwrap().starts_with("-- sequor: repeatable\n"));
    project.alone("model:generate --name Post --attributes title:string,body:text?").good();
    let models = std::fs::read_to_string(project.path().join("src/models.rs")).unwrap();
    assert!(models.contains("mod post;") && models.contains("models!(pub type All = Post, User);"), "{models}");
    let user = std::fs::read_to_string(project.path().join("src/models/user.rs")).unwrap();
    assert!(user.contains("#[field(unique)]\n    pub email: String,") && user.contains("pub role: UserRole,"), "{user}");
    project.remove().await;
}

#[tokio::test]
async fn init_writes_a_project_once() {
    let project = Project::empty();
    let said = project.alone("init").good();
    assert!(
        said.contains("Created sequor.toml\n")
            && said.contains("Created src/bin/db.rs\n")
            && said.contains("Next: sequor migrate generate create-users, sequor db setup, cargo run"),
        "{said}"
    );
    assert!(project.alone("init").bad().contains("sequor.toml is there already; --force writes over it"));
    assert!(project.alone("new shop").good().ends_with("Next: cd shop, sequor migrate generate create-users, sequor db setup, cargo run"));
    assert!(std::fs::read_to_string(project.path().join("shop/Cargo.toml")).unwrap().starts_with("[package]\nname = \"shop\"\n"));
    assert!(project.alone("new shop").bad().contains("shop is there already and not empty"));
    // The settings that it wrote name the database.
    std::fs::remove_file(project.path().join("src/bin/db.rs")).unwrap();
    assert_eq!(project.alone("db create").good(), "Database app.db created.");
    project.file("migrations/20240101000000-tags/up.sql", "CREATE TABLE tags (name text);\n");
    assert_eq!(project.alone("migrate up").good().matches("20240101000000-tags").count(), 2);
    assert!(
        project
            .alone("migrate status --env production")
            .bad()
            .contains("url in [production] of sequor.toml needs the variable DATABASE_URL")
    );
    // What a flag overrides is not asked for.
    assert_eq!(project.alone("migrate status --env production --url sqlite://app.db").good(), "up 20240101000000-tags");
    project.remove().await;
}

#[tokio::test]
async fn help_shows_examples_and_shells_get_completions() {
    let project = Project::empty();
    let help = project.alone("migrate up --help").good();
    assert!(help.contains("Examples:\n  sequor-tests-alone migrate up") && help.contains("Sequelize: db:migrate"), "{help}");
    let help = project.alone("--help").good();
    assert!(["db", "migrate", "seed", "model", "init", "completions"].iter().all(|word| help.contains(&format!("  {word} "))), "{help}");
    assert!(project.alone("completions bash").good().contains("_sequor()"));
    let wrong = project.alone("migrate upp");
    assert_eq!(wrong.status, 2);
    assert!(wrong.error.contains("a similar subcommand exists: 'up'"), "{}", wrong.error);
    assert!(project.alone("migrate status").bad().contains("no database is named for development: set DATABASE_URL"));
    assert!(!project.alone("migrate status --url postgres://u:secret@127.0.0.1:1/x").bad().contains("secret"));
    project.remove().await;
}
