// Sequelize 6 on the data of the other contenders, as its documentation advises (https://sequelize.org/docs/v6/): models once, finders, nested includes,
// bulkCreate, findAndCountAll, logging off, a pool of 10. It answers the harness line by line: `<workload>\t<operations>` with the seconds that they took,
// or `unknown`.
import { DataTypes, Op, Sequelize } from 'sequelize';
import { createInterface } from 'node:readline';

const sequelize = new Sequelize(process.argv[2], { logging: false, pool: { max: 10, min: 1 } });
const id = { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true };
const text = DataTypes.TEXT;
const person = () => ({
  id: { ...id }, name: text, email: text, age: DataTypes.INTEGER, score: DataTypes.DOUBLE, active: DataTypes.BOOLEAN, bio: text, created_at: DataTypes.DATE(6),
});
const options = tableName => ({ tableName, timestamps: false });
const Person = sequelize.define('person', person(), options('people'));
const Inserted = sequelize.define('inserted', person(), options('inserted'));
const User = sequelize.define('user', { id: { ...id }, name: text, email: text, age: DataTypes.INTEGER }, options('users'));
const Post = sequelize.define('post', { id: { ...id }, user_id: DataTypes.INTEGER, title: text, body: text, created_at: DataTypes.DATE(6) }, options('posts'));
const Comment = sequelize.define('comment', { id: { ...id }, post_id: DataTypes.INTEGER, author: text, text }, options('comments'));
User.hasMany(Post, { foreignKey: 'user_id', as: 'posts' });
Post.hasMany(Comment, { foreignKey: 'post_id', as: 'comments' });

const key = i => (i * 37) % 10000 + 1;
const row = i => ({
  name: `User ${i}`, email: `user${i}@example.com`, age: i % 7 ? i % 90 : null, score: i * 0.5, active: i % 2 === 0,
  bio: i % 3 ? 'bio '.repeat(10) : null, created_at: new Date(1704067200000 + i * 60000),
});
const rows = count => Array.from({ length: count }, (_, i) => row(i));
const must = (holds, what) => { if (!holds) throw new Error(what); };
const empty = () => Inserted.destroy({ truncate: true, restartIdentity: true });
const times = async (count, work) => { for (let i = 0; i < count; i++) await work(i); };

const find = i => Person.findByPk(key(i)).then(found => must(found, 'a row'));
const read = async count => {
  const found = await Person.findAll(count === 10000 ? {} : { order: [['id', 'ASC']], limit: count });
  must(found.length === count, `${count} rows`);
};
const include = async count => {
  const users = await User.findAll({
    where: { id: { [Op.lte]: count } }, include: [{ model: Post, as: 'posts', include: [{ model: Comment, as: 'comments' }] }],
  });
  must(users.length === count && users[0].posts[0].comments.length === 5, 'a tree');
};
const page = async () => {
  const { rows, count } = await Person.findAndCountAll({ where: { active: true }, order: [['id', 'ASC']], limit: 20, offset: 40 });
  must(rows.length === 20 && count === 5000, 'a page');
};

// Each gives what is measured, after what is not.
const workloads = {
  'find by key': operations => () => times(operations, find),
  'create one': operations => () => times(operations, i => Inserted.create(row(i))),
  'page with count': operations => () => times(operations, page),
};
for (const [name, count] of [['1', 1], ['10', 10], ['100', 100], ['1,000', 1000], ['10,000', 10000]]) {
  workloads[`rows ${name}`] = operations => () => times(operations, () => read(count));
  workloads[`insert ${name}`] = async () => {
    await empty();
    const data = rows(count);
    return () => Inserted.bulkCreate(data);
  };
}
for (const [name, count] of [['100 users', 100], ['1 user', 1]]) {
  workloads[`include of 3 levels, ${name}`] = operations => () => times(operations, () => include(count));
}
for (const tasks of [64, 1]) {
  workloads[`${tasks} tasks, pool of 10`.replace('1 tasks', '1 task')] = operations => () =>
    Promise.all(Array.from({ length: tasks }, () => times(operations / tasks, find)));
}

await sequelize.authenticate();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [name, operations] = line.split('\t');
  const prepare = workloads[name];
  if (!prepare || operations === undefined) {
    console.log(prepare ? 'known' : 'unknown');
    continue;
  }
  const work = await prepare(Number(operations));
  const start = process.hrtime.bigint();
  await work();
  console.log(Number(process.hrtime.bigint() - start) / 1e9);
}
await sequelize.close();
