//! Constants and slots have the visibility of their fields.
mod models {
    use sequor::prelude::*;

    #[derive(Model, Clone, Debug, PartialEq)]
    pub struct Account {
        #[field(primary_key, auto_increment)]
        pub id: i64,
        pub name: String,
        #[field(default = 0)]
        balance: i64,
    }

    impl Account {
        pub fn rich() -> Filter<Account> {
            Account::BALANCE.gt(1_000_000)
        }

        pub fn opened(name: &str) -> Draft<Account> {
            draft!(Account { name, balance: 100 })
        }

        pub fn balance(&self) -> i64 {
            self.balance
        }
    }
}

use models::Account;
use sequor::prelude::*;

fn main() {
    let _ = Account::opened("Ann");
    let _ = draft!(Account { name: "Bo" });
    let _ = Account::find_all().filter(Account::rich()).order_by(Account::NAME.asc());
    let _ = Account::balance;
}

#[test]
fn compiles_and_runs() {
    main();
}
