//! Statements, parameters, rows, counts.

use crate::bed::*;
use crate::on_server;
use sequor_core::Value;
use sequor_core::driver::{Batch, BatchMode, Flow, Params, Product, Status, Step, StepDone};

on_server! {
    async fn a_statement_with_parameters_gives_its_rows(bed) {
        let mut connection = bed.connect().await;
        let least = if is_mysql(&*connection) { (5, 7, 0) } else { (10, 3, 0) };
        let says_mariadb = matches!(&rows(&mut *connection, "select version()").await[0][0], Value::Text(version) if version.contains("MariaDB"));
        assert_eq!(connection.server().product, if says_mariadb { Product::Mariadb } else { Product::Mysql });
        assert!(connection.server().version >= least);
        assert!(connection.round_trip().is_some());
        let done = with(&mut *connection, "select ? + 1 as a, ? as b, null as c", vec![param(41i64), param("é 😀")]).await.unwrap();
        assert_eq!(done.affected, 1);
        let seen = collected(done);
        assert_eq!(seen.names, ["a", "b", "c"]);
        assert_eq!(seen.rows, [[Value::I64(42), Value::from("é 😀"), Value::Null]]);
        assert_eq!(connection.status(), Status::Idle);
        assert!(connection.is_alive(std::time::Duration::MAX));
        connection.ping().await.unwrap();
        connection.close().await;
    }

    async fn counts_are_matched_rows_and_keys_come_back(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        run(c, "create table t (id int primary key auto_increment, a int)").await.unwrap();
        let done = with(c, "insert into t (a) values (?), (?)", vec![param(1i64), param(2i64)]).await.unwrap();
        assert_eq!((done.affected, done.last_insert_id), (2, Some(1)));
        let done = run(c, "update t set a = a").await.unwrap();
        assert_eq!((done.affected, done.last_insert_id), (2, None));
        if is_mysql(c) {
            // It has no RETURNING.
            let done = with(c, "insert into t (a) values (?)", vec![param(3i64)]).await.unwrap();
            assert_eq!((done.affected, done.last_insert_id), (1, Some(3)));
        } else {
            let done = with(c, "insert into t (a) values (?) returning id, a", vec![param(3i64)]).await.unwrap();
            assert_eq!(done.affected, 1);
            assert_eq!(collected(done).rows, [[Value::I64(3), Value::I64(3)]]);
        }
        assert_eq!(run(c, "delete from t where a > 1").await.unwrap().affected, 2);
    }

    async fn many_lists_run_one_statement(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        run(c, "create table t (id int primary key, a varchar(10))").await.unwrap();
        let lists = (0..500i64).map(|number| vec![param(number), param(format!("n{number}"))]).collect();
        let done = one(c, many("insert into t values (?, ?)", lists)).await.unwrap();
        assert_eq!(done.affected, 500);
        assert_eq!(number(c, "select count(*) from t").await, 500);
        let lists = (0..3i64).map(|number| vec![param(number)]).collect();
        let done = one(c, many("select a from t where id = ?", lists)).await.unwrap();
        assert_eq!(collected(done).rows, [[Value::from("n0")], [Value::from("n1")], [Value::from("n2")]]);
    }

    async fn derived_steps_see_what_came_before(bed) {
        let mut connection = bed.connect().await;
        let derived = Params::Derived(Box::new(|earlier| {
            let sink: &mut dyn std::any::Any = earlier.sink(0).unwrap();
            let rows = &sink.downcast_mut::<Collect>().unwrap().rows;
            let sum = rows.iter().flatten().map(|number| if let Value::I64(number) = number { *number } else { 0 }).sum::<i64>();
            assert!(earlier.sink(2).is_none(), "only what has run is seen");
            Ok(Some(vec![param(sum)]))
        }));
        let skipped = Params::Derived(Box::new(|_| Ok(None)));
        let step = |text: &str, params| Step { text: text.into(), params, sink: Box::new(Collect::default()), cache: true };
        let first = Step::query("select 20 union all select 1", vec![], Box::new(Collect::default()));
        let steps = vec![first, step("select 1", skipped), step("select ? * 2", derived)];
        let mut done = connection.run(batch(BatchMode::Snapshot, steps)).await.unwrap();
        assert_eq!(done.iter().map(StepDone::is_skipped).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(collected(done.remove(2)).rows, [[Value::I64(42)]]);
        assert_eq!(connection.status(), Status::Idle);
    }

    async fn a_pause_keeps_the_rest(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        sequences(c, &[1_000, 100_000]).await;
        let sink = Collect { at: Some((10, Flow::Pause)), ..Collect::default() };
        let done = one(c, Step::query("select seq from seq_1_to_100000", vec![], Box::new(sink))).await.unwrap();
        assert!(done.paused);
        assert_eq!(collected(done).rows.len(), 10);
        let mut total = 10;
        for size in [1, 1_000, 50_000] {
            let sink = Collect { at: Some((size, Flow::Pause)), ..Collect::default() };
            let done = c.resume(Box::new(sink)).await.unwrap();
            assert!(done.paused);
            let seen = collected(done);
            assert_eq!(seen.rows[0], [Value::I64(total + 1)]);
            total += i64::try_from(seen.rows.len()).unwrap();
        }
        let done = c.resume(Box::new(Collect::default())).await.unwrap();
        assert!(!done.paused);
        assert_eq!(done.affected, 100_000);
        assert_eq!(collected(done).rows.len(), 100_000 - usize::try_from(total).unwrap());
        assert_eq!(number(c, "select 7").await, 7);

        let sink = Collect { at: Some((10, Flow::Pause)), ..Collect::default() };
        let done = one(c, Step::query("select seq from seq_1_to_1000", vec![], Box::new(sink))).await.unwrap();
        assert!(done.paused);
        assert_eq!(number(c, "select 8").await, 8);
        assert!(c.resume(Box::new(Collect::default())).await.is_err());
        assert_eq!(number(c, "select 9").await, 9);
    }

    async fn a_stop_and_a_refusal_leave_the_connection_usable(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        sequences(c, &[100_000]).await;
        let text = "select seq, repeat('x', 100) from seq_1_to_100000";
        let sink = Collect { at: Some((3, Flow::Stop)), ..Collect::default() };
        let done = one(c, Step::query(text, vec![], Box::new(sink))).await.unwrap();
        assert_eq!((done.paused, done.affected), (false, 3));
        assert_eq!(number(c, "select 7").await, 7);
        let sink = Collect { refuse: Some(5), ..Collect::default() };
        let error = one(c, Step::query(text, vec![], Box::new(sink))).await.err().unwrap();
        assert!(error.to_string().contains("refused"));
        assert_eq!(c.status(), Status::Idle);
        assert_eq!(number(c, "select 8").await, 8);
    }

    async fn an_error_names_the_statement_not_the_steps_after_it(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        run(c, "create table t (id int primary key)").await.unwrap();
        let steps = vec![
            Step::execute("insert into t values (1)", vec![]),
            Step::execute("insert into t values (1)", vec![]),
            Step::execute("insert into t values (2)", vec![]),
        ];
        assert!(c.run(Batch { steps, mode: BatchMode::Plain }).await.is_err());
        assert_eq!(number(c, "select count(*) from t").await, 1);
        let error = with(c, "select ?", vec![]).await.err().unwrap();
        assert!(error.to_string().contains("1 parameters"), "{error}");
        assert_eq!(number(c, "select 7").await, 7);
    }

    async fn a_statement_behaves_the_same_when_it_is_prepared_already(bed) {
        let mut connection = bed.connect().await;
        let c = &mut *connection;
        sequences(c, &[20_000]).await;
        run(c, "create table t (id int primary key)").await.unwrap();
        let text = "select seq from seq_1_to_20000 where seq > ?";
        let step = |sink: Collect| Step::query(text, vec![param(0i64)], Box::new(sink));
        for round in 0..3 {
            let sink = Collect { at: Some((3, Flow::Stop)), ..Collect::default() };
            assert_eq!(one(c, step(sink)).await.unwrap().affected, 3, "{round}");
            let sink = Collect { refuse: Some(5), ..Collect::default() };
            assert!(one(c, step(sink)).await.err().unwrap().to_string().contains("refused"));
            let sink = Collect { at: Some((7, Flow::Pause)), ..Collect::default() };
            let done = one(c, step(sink)).await.unwrap();
            assert!(done.paused);
            let done = c.resume(Box::new(Collect::default())).await.unwrap();
            assert_eq!((done.affected, collected(done).rows.len()), (20_000, 20_000 - 7));
            assert!(with(c, text, vec![]).await.is_err());
            assert!(with(c, text, vec![param(f64::NAN)]).await.is_err());
            assert_eq!(with(c, text, vec![param("19998")]).await.unwrap().affected, 2);
            let insert = with(c, "insert into t values (?)", vec![param(1i64)]).await;
            assert_eq!(insert.is_ok(), round == 0);
            assert_eq!(c.status(), Status::Idle);
            c.begin(sequor_core::driver::Begin::default()).await.unwrap();
            assert_eq!(with(c, text, vec![param(19_990i64)]).await.unwrap().affected, 10);
            assert!(with(c, "insert into t values (?)", vec![param(1i64)]).await.is_err());
            assert_eq!(c.status(), Status::InTransaction);
            assert_eq!(with(c, text, vec![param(19_990i64)]).await.unwrap().affected, 10);
            c.rollback().await.unwrap();
        }
    }

    // C-10: real lengths; the pages are never touched, so they take no memory.
    async fn lengths_that_the_protocol_cannot_say_are_refused_before_anything_is_sent(bed) {
        let mut connection = bed.connect().await;
        let text = "select ? is not null and ? is not null";
        let both = |bytes: Vec<u8>| vec![param(vec![1u8]), param(bytes)];
        with(&mut *connection, text, both(vec![2])).await.unwrap();
        for length in [(1usize << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 32) + 5] {
            let trips = connection.round_trips();
            let start = std::time::Instant::now();
            let Err(error) = with(&mut *connection, text, both(vec![0; length])).await else { panic!("{length} bytes were taken") };
            assert!(error.to_string().contains("256 MiB"), "{length}: {error}");
            assert_eq!(connection.round_trips(), trips, "{length}: something was sent");
            assert!(start.elapsed() < std::time::Duration::from_secs(20), "{length}: {:?}", start.elapsed());
            assert_eq!(collected(with(&mut *connection, text, both(vec![3])).await.unwrap()).rows, [[Value::I64(1)]]);
        }
    }
}
