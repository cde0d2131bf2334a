//! Payments: one for each idempotency key, and a state machine under a row lock.

use crate::models::{Payment, PaymentStatus};
use sequor::prelude::*;

/// What came of asking for a payment.
#[derive(Debug)]
pub enum Asked {
    /// It was made now.
    Created(Payment),
    /// The same was asked before.
    Known(Payment),
    /// The key was used for another payment.
    Conflict,
}

/// Makes a payment, once for each key of a user, however often and however parallel it is asked for.
pub async fn ask(user_id: i64, key: &str, amount: Decimal, currency: &str, db: &Db) -> Result<Asked> {
    let own = Payment::USER_ID.eq(user_id).and(Payment::IDEMPOTENCY_KEY.eq(key));
    let draft = draft!(Payment { user_id, amount, currency, idempotency_key: key });
    let (payment, created) = Payment::find_or_create(own, draft).exec(db).await?;
    Ok(match created {
        true => Asked::Created(payment),
        false if payment.amount == amount && payment.currency == currency => Asked::Known(payment),
        false => Asked::Conflict,
    })
}

/// The state that a step leads to.
pub fn next(status: PaymentStatus, step: &str) -> Option<PaymentStatus> {
    match (status, step) {
        (PaymentStatus::Pending, "authorize") => Some(PaymentStatus::Authorized),
        (PaymentStatus::Authorized, "capture") => Some(PaymentStatus::Captured),
        (PaymentStatus::Captured, "refund") => Some(PaymentStatus::Refunded),
        (PaymentStatus::Pending | PaymentStatus::Authorized, "fail") => Some(PaymentStatus::Failed),
        _ => None,
    }
}

/// Takes a step of a user's own payment. `Ok(None)`: there is none; `Err(status)` inside: the step is not possible from there.
pub async fn step(user_id: i64, id: i64, step: &str, db: &Db) -> Result<Option<std::result::Result<Payment, PaymentStatus>>> {
    db.transaction(async |tx| {
        let own = Payment::ID.eq(id).and(Payment::USER_ID.eq(user_id));
        let Some(payment) = Payment::find_one().filter(own).lock(Lock::Update).exec(tx).await? else { return Ok(None) };
        let Some(status) = next(payment.status, step) else { return Ok(Some(Err(payment.status))) };
        let mut payment = payment.edit();
        payment.status = status;
        payment.save(tx).await.map(|payment| Some(Ok(payment)))
    })
    .await
}
