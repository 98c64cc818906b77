//! An event that the store refuses for good: it becomes a dead letter, and the others of its batch are shown.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use eventlog::EventLog;
use schema::{DEAD_LETTER_TOPIC, EVENTS_TOPIC};
use test_support::events::encoded_run;
use test_support::processing::Surroundings;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_refuses_is_found_and_put_aside() {
    let around = Surroundings::start().await;
    let constraint = "ALTER TABLE runs ADD CONSTRAINT healthy CHECK suite != 'poison'";
    around.address.tables().query(constraint).execute().await.unwrap();
    let mut poisoned = Vec::new();
    for index in 0..40_i64 {
        let suite = if [3, 17, 18].contains(&index) { "poison" } else { "s" };
        let value = encoded_run(suite, index);
        let position = around.log.append(EVENTS_TOPIC, &index.to_be_bytes(), value).await.unwrap();
        if suite == "poison" {
            poisoned.push((position.partition, position.offset));
        }
    }
    around.process().await;
    assert_eq!((around.count("runs").await, around.count("dead_letters").await), (37, 3));
    let sql = "SELECT partition, offset, cause FROM dead_letters ORDER BY partition, offset";
    let letters: Vec<(u32, u64, String)> = around.client.query(sql).fetch_all().await.unwrap();
    poisoned.sort_unstable();
    assert_eq!(letters.iter().map(|(partition, offset, _)| (*partition, *offset)).collect::<Vec<_>>(), poisoned);
    assert!(letters.iter().all(|(.., cause)| cause.contains("healthy")), "{letters:?}");
    assert_eq!(around.log.end_offsets(DEAD_LETTER_TOPIC).await.unwrap().iter().sum::<u64>(), 3);

    // Once the cause is gone, the same events are as good as any.
    around.address.tables().query("ALTER TABLE runs DROP CONSTRAINT healthy").execute().await.unwrap();
    for index in [3_i64, 17, 18] {
        around.log.append(EVENTS_TOPIC, &index.to_be_bytes(), encoded_run("poison", index)).await.unwrap();
    }
    around.process().await;
    assert_eq!(around.count("runs").await, 40);
    around.engine.shutdown().await;
}
