//! The five models.

use crate::passwords;
use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "users", timestamps, json = "camelCase")]
pub struct User {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(
        unique,
        validate(email, message = "is not an e-mail address"),
        validate(len(max = 255, message = "has at most 255 characters"))
    )]
    pub email: String,
    #[field(validate(len(min = 1, max = 80, message = "has 1 to 80 characters")))]
    pub name: String,
    /// Hashed by argon2 whenever it is given or changed.
    #[field(hidden, sensitive, set_with = "passwords::hash")]
    pub password: String,
    #[field(default = false)]
    pub confirmed: bool,
    /// Raised to revoke every token of the user.
    #[field(default = 0, hidden)]
    pub token_version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub otps: HasMany<Otp>,
    pub social_auths: HasMany<SocialAuth>,
    pub files: HasMany<File>,
    pub payments: HasMany<Payment>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "otps", timestamps, index(columns("user_id", "created_at desc")))]
pub struct Otp {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub user_id: i64,
    #[field(sensitive, hidden, set_with = "passwords::hash")]
    pub code: String,
    #[field(default = 0)]
    pub attempts: i32,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    #[relation(on_delete = "cascade")]
    pub user: BelongsTo<User>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "social_auths", timestamps, json = "camelCase", unique(columns("provider", "provider_user_id")))]
pub struct SocialAuth {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub user_id: i64,
    #[field(validate(is_in("google", "github", "apple", message = "is google, github or apple")))]
    pub provider: String,
    #[field(validate(len(min = 1, max = 191, message = "has 1 to 191 characters")))]
    pub provider_user_id: String,
    #[relation(on_delete = "cascade")]
    pub user: BelongsTo<User>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "files", timestamps, json = "camelCase", index(columns("user_id", "id desc")))]
pub struct File {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub user_id: i64,
    #[field(validate(len(min = 1, max = 255, message = "has 1 to 255 characters")))]
    pub name: String,
    #[field(validate(len(max = 100, message = "has at most 100 characters")))]
    pub mime_type: String,
    pub size: i64,
    /// Where the content lies under the folder of files; chosen here, never by the client.
    #[field(hidden, unique)]
    pub path: String,
    #[relation(on_delete = "cascade")]
    pub user: BelongsTo<User>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "payment_status", rename_all = "snake_case")]
pub enum PaymentStatus {
    Pending,
    Authorized,
    Captured,
    Refunded,
    Failed,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(
    table = "payments",
    timestamps,
    json = "camelCase",
    unique(columns("user_id", "idempotency_key")),
    check(name = "payments_amount_is_positive", "amount > 0")
)]
pub struct Payment {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub user_id: i64,
    #[field(db_type = "decimal(12,2)")]
    pub amount: Decimal,
    #[field(validate(is_in("EUR", "USD", "GBP", message = "is EUR, USD or GBP")))]
    pub currency: String,
    #[field(default = PaymentStatus::Pending)]
    pub status: PaymentStatus,
    #[field(hidden, validate(len(min = 8, max = 100, message = "has 8 to 100 characters")))]
    pub idempotency_key: String,
    #[relation(on_delete = "restrict")]
    pub user: BelongsTo<User>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

models!(pub type All = User, Otp, SocialAuth, File, Payment);
