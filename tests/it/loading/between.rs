//! Rows between that are deleted are no links: for includes, questions, counts, required includes, getters and streams alike.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "students", paranoid)]
pub struct Student {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    pub deleted_at: Option<DateTime<Utc>>,
    pub courses: BelongsToMany<Course, Enrolment>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "courses", paranoid)]
pub struct Course {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub title: String,
    pub points: Option<i32>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub students: BelongsToMany<Student, Enrolment>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "enrolments", paranoid)]
pub struct Enrolment {
    #[field(primary_key)]
    pub student_id: i64,
    #[field(primary_key)]
    pub course_id: i64,
    pub mark: Option<i32>,
    pub deleted_at: Option<DateTime<Utc>>,
}

/// Ann is in Art (mark 1), Law (left it), Sea (deleted); Bo only left Art; Cy is in Law without a mark; Di, who is deleted, is in Art.
async fn enrol(db: &Db) -> sequor::Result<()> {
    let students = ["Ann", "Bo", "Cy", "Di"].map(|name| draft!(Student { name: name }));
    let students = Student::bulk_create(students.to_vec()).exec(db).await?;
    let courses =
        [("Art", Some(5)), ("Law", None), ("Sea", Some(9))].map(|(title, points)| draft!(Course { title: title, points: points }));
    let courses = Course::bulk_create(courses.to_vec()).exec(db).await?;
    let links = [
        (0, 0, Some(1), false),
        (0, 1, Some(2), true),
        (0, 2, Some(3), false),
        (1, 0, Some(4), true),
        (2, 1, None, false),
        (3, 0, Some(6), false),
    ];
    for (student, course, mark, left) in links {
        let link = draft!(Enrolment { student_id: students[student].id, course_id: courses[course].id, mark: mark }).create(db).await?;
        if left {
            link.destroy(db).await?;
        }
    }
    courses[2].destroy(db).await?;
    students[3].destroy(db).await?;
    Ok(())
}

async fn named(db: &Db, filter: Filter<Student>) -> sequor::Result<Vec<String>> {
    Student::find_all().filter(filter).order_by(Student::ID.asc()).pluck(Student::NAME).exec(db).await
}

#[sequor::test(models(Student, Course, Enrolment))]
async fn a_deleted_row_between_is_no_link(db: Db) -> sequor::Result<()> {
    enrol(&db).await?;
    let titles = |student: &Student| -> sequor::Result<Vec<String>> {
        Ok(student.courses.loaded()?.iter().map(|course| course.title.clone()).collect())
    };
    for strategy in [sequor::Strategy::Sequential, sequor::Strategy::OneFlush] {
        let find = || Student::find_all().order_by(Student::ID.asc()).include_strategy(strategy);
        let students = find().include(Student::COURSES.order_by(Course::ID.asc())).exec(&db).await?;
        let found = students.iter().map(titles).collect::<sequor::Result<Vec<_>>>()?;
        assert_eq!(found, [vec!["Art".to_owned()], vec![], vec!["Law".to_owned()]]);
        // Deleted courses are shown, deleted links still are none.
        let students = find().include(Student::COURSES.with_deleted().order_by(Course::ID.asc())).exec(&db).await?;
        assert_eq!(titles(&students[0])?, ["Art", "Sea"]);
        assert!(titles(&students[1])?.is_empty());
        let students = find().include(Student::COURSES.order_by(Course::POINTS.desc_nulls_last()).limit(1).required()).exec(&db).await?;
        assert_eq!(students.iter().map(|student| student.name.as_str()).collect::<Vec<_>>(), ["Ann", "Cy"]);
        let marked = find().include(Student::COURSES.through(Enrolment::MARK.gt(0)).required()).exec(&db).await?;
        assert_eq!(marked.iter().map(|student| student.name.as_str()).collect::<Vec<_>>(), ["Ann"]);
        assert_eq!(marked[0].courses.through()?[0].mark, Some(1));
    }
    assert_eq!(named(&db, Student::COURSES.any(Course::TITLE.ne("x"))).await?, ["Ann", "Cy"]);
    assert_eq!(named(&db, Student::COURSES.none(Course::TITLE.ne("x"))).await?, ["Bo"]);
    // NULL points are not more than 4, so that Cy's course does not match.
    assert_eq!(named(&db, Student::COURSES.all(Course::POINTS.gt(4))).await?, ["Ann", "Bo"]);
    assert_eq!(named(&db, !Student::COURSES.all(Course::POINTS.gt(4))).await?, ["Cy"]);
    assert_eq!(named(&db, Student::COURSES.through(Enrolment::MARK.is_null()).exists()).await?, ["Cy"]);
    assert_eq!(named(&db, Student::COURSES.count().eq(0)).await?, ["Bo"]);
    let counts: Vec<(String, i64, i64, Option<i32>)> = Student::find_all()
        .select((
            Student::NAME,
            Student::COURSES.count(),
            Student::COURSES.with_deleted().count(),
            Student::COURSES.aggregate(max(Course::POINTS)),
        ))
        .order_by((Student::COURSES.count().desc(), Student::ID.asc()))
        .exec(&db)
        .await?;
    assert_eq!(counts, [("Ann".to_owned(), 1, 2, Some(5)), ("Cy".to_owned(), 1, 1, None), ("Bo".to_owned(), 0, 0, None)]);
    // From the other side, two steps, and the getters of one row.
    let fellows = Student::COURSES.any(Course::STUDENTS.any(Student::NAME.eq("Di")));
    assert_eq!(named(&db, fellows).await?, Vec::<String>::new());
    assert_eq!(Course::find_all().filter(Course::STUDENTS.any(Student::ID.gt(0))).count().exec(&db).await?, 2);
    let ann = Student::find_one().filter(Student::NAME.eq("Ann")).or_fail().exec(&db).await?;
    assert_eq!(ann.related(Student::COURSES).exec(&db).await?.len(), 1);
    assert_eq!(ann.relation(Student::COURSES).count(&db).await?, 1);
    let law = Course::find_one().filter(Course::TITLE.eq("Law")).or_fail().exec(&db).await?;
    assert!(!ann.relation(Student::COURSES).has(&law, &db).await?);
    let mut stream = Student::find_all().include(Student::COURSES).order_by(Student::ID.asc()).stream(&db);
    let mut seen = Vec::new();
    while let Some(student) = stream.next().await {
        seen.push(student?.courses.loaded()?.len());
    }
    assert_eq!(seen, [1, 0, 1]);
    Ok(())
}
