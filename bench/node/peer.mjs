// Sequelize 6 on the data of the other contenders, as its documentation advises (https://sequelize.org/docs/v6/): models once, finders, nested includes,
// bulkCreate, findAndCountAll, logging off, a pool of 10. It answers the harness line by line: `<workload>\t<operations>\t<turn>` with what it saw as JSON,
// or `null` for what it cannot do (it has no streams, and its cursor is a condition). `--cold` finds one row and ends.
import { DataTypes, Op, Sequelize } from 'sequelize';
import { createInterface } from 'node:readline';

const sequelize = new Sequelize(process.argv[2], { logging: false, pool: { max: 10, min: 1 } });
const id = { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true };
const { INTEGER, DOUBLE, BOOLEAN, TEXT: text } = DataTypes;
const person = () => ({
  id: { ...id }, name: text, email: text, age: INTEGER, score: DOUBLE, active: BOOLEAN, bio: text, created_at: DataTypes.DATE(6),
});
const define = (name, columns) => sequelize.define(name, { id: { ...id }, ...columns }, { tableName: name, timestamps: false });
const Person = define('people', person());
const Inserted = define('inserted', person());
const columns = (letter, count, type) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${letter}${i + 1}`, type]));
const Wide = define('wide', { ...columns('t', 9, text), ...columns('i', 9, INTEGER), ...columns('f', 5, DOUBLE), ...columns('b', 3, BOOLEAN), ...columns('n', 3, text) });
const Event = define('events', { kind: text, amount: DOUBLE });
const User = define('users', { name: text, email: text, age: INTEGER });
const Post = define('posts', { user_id: INTEGER, title: text, body: text, created_at: DataTypes.DATE(6) });
const Comment = define('comments', { post_id: INTEGER, author: text, text });
const Reply = define('replies', { comment_id: INTEGER, text });
const Mark = define('marks', { reply_id: INTEGER, value: INTEGER });
const Tag = define('tags', { name: text });
User.hasMany(Post, { foreignKey: 'user_id', as: 'posts' });
Post.belongsTo(User, { foreignKey: 'user_id', as: 'user' });
Post.hasMany(Comment, { foreignKey: 'post_id', as: 'comments' });
Comment.hasMany(Reply, { foreignKey: 'comment_id', as: 'replies' });
Reply.hasMany(Mark, { foreignKey: 'reply_id', as: 'marks' });
Post.belongsToMany(Tag, { through: sequelize.define('post_tags', {}, { tableName: 'post_tags', timestamps: false }), foreignKey: 'post_id', otherKey: 'tag_id', as: 'tags' });

const key = i => (i * 37) % 10000 + 1;
const score = (id, turn) => id * 0.5 + 1 + turn;
const row = i => ({
  name: `User ${i}`, email: `user${i}@example.com`, age: i % 7 ? i % 90 : null, score: i * 0.5, active: i % 2 === 0,
  bio: i % 3 ? 'bio '.repeat(10) : null, created_at: new Date(1704067200000 + i * 60000),
});
const rows = count => Array.from({ length: count }, (_, i) => row(i));

// What a run has seen: rows and the sum of their keys.
let seen;
const note = one => { seen.rows += 1; seen.sum += one.id; };
const times = async (count, work) => { for (let i = 0; i < count; i++) await work(i); };
const all = found => found.forEach(note);
const below = (one, paths) => {
  note(one);
  for (const [name, deeper] of Object.entries(paths)) [one[name]].flat().forEach(other => below(other, deeper));
};
const nested = paths => Object.entries(paths).map(([as, deeper]) => ({ association: as, include: nested(deeper) }));
const tree = (model, most, paths) => async () => {
  const found = await model.findAll({ where: { id: { [Op.lte]: most } }, include: nested(paths) });
  found.forEach(one => below(one, paths));
};

const find = async i => note(await Person.findByPk(key(i)));
const read = (model, count) => async () => all(await model.findAll(count === 10000 ? {} : { order: [['id', 'ASC']], limit: count }));
const ten = async () => {
  const where = {
    id: { [Op.gte]: 100, [Op.lt]: 1000 }, age: { [Op.gt]: 10, [Op.lt]: 60 }, created_at: { [Op.gte]: new Date(0), [Op.lt]: new Date(4e12) }, active: true,
    name: { [Op.ne]: 'nobody', [Op.like]: 'User %' }, email: { [Op.ne]: 'nobody@example.com' },
  };
  all(await Person.findAll({ where, order: [['id', 'ASC']] }));
};
const page = async () => {
  const { rows, count } = await Person.findAndCountAll({ where: { active: true }, order: [['id', 'ASC']], limit: 20, offset: 40 });
  all(rows);
  seen.sum += count;
};
const cursor = async () => all(await Event.findAll({ where: { id: { [Op.gt]: 900000 } }, order: [['id', 'ASC']], limit: 20 }));
const limited = async () => {
  const newest = { association: 'posts', separate: true, order: [['id', 'DESC']], limit: 3 };
  (await User.findAll({ where: { id: { [Op.lte]: 100 } }, include: [newest] })).forEach(one => below(one, { posts: {} }));
};
let loaded;
const people = async () => (loaded ??= await Person.findAll({ order: [['id', 'ASC']], limit: 1000 }));
const save = async (count, turn) => times(count, async i => {
  loaded[i].score = score(loaded[i].id, turn);
  await loaded[i].save();
  seen.rows += 1;
});
const transaction = turn => i => sequelize.transaction(async transaction => {
  const keys = [key(i), key(i + 1)];
  for (const id of keys) note(await Person.findByPk(id, { transaction }));
  for (const id of keys) await Person.update({ score: score(id, turn) }, { where: { id }, transaction });
  note(await Person.findByPk(keys[0], { transaction }));
});

// Each gives what is measured, after what is not.
const simple = work => operations => () => times(operations, work);
const workloads = {
  'find by key': simple(find),
  'filter of 10 values': simple(ten),
  'page with count': simple(page),
  'cursor deep in 1,000,000': simple(cursor),
  'include of 3 levels, 100 users': simple(tree(User, 100, { posts: { comments: {} } })),
  'include of 3 levels, 1 user': simple(tree(User, 1, { posts: { comments: {} } })),
  'include of 5 levels, 10 users': simple(tree(User, 10, { posts: { comments: { replies: { marks: {} } } } })),
  'include of belongs-to, 1,000 posts': simple(tree(Post, 1000, { user: {} })),
  'include of has-many, 100 users': simple(tree(User, 100, { posts: {} })),
  'include of many-to-many, 100 posts': simple(tree(Post, 100, { tags: {} })),
  'include of 3 a parent, 100 users': simple(limited),
  'create one': operations => () => times(operations, async i => { await Inserted.create(row(i)); seen.rows += 1; }),
  'update of 1 changed row': async (operations, turn) => {
    await people();
    return () => save(operations, turn);
  },
  'update of 1,000 changed rows': async (_, turn) => {
    // Many rows with a value each: https://sequelize.org/api/v6/class/src/model.js~model#static-method-bulkCreate, `updateOnDuplicate`.
    const data = (await people()).map(one => ({ ...one.get(), score: score(one.id, turn) }));
    return async () => { seen.rows += (await Person.bulkCreate(data, { updateOnDuplicate: ['score'] })).length; };
  },
  'update of 1,000 by a condition': (_, turn) => async () => {
    await Person.update({ score: turn }, { where: { id: { [Op.lte]: 1000 } } });
    seen.rows += 1000;
  },
  'upsert of 1,000': () => {
    const data = rows(1000).map((row, i) => ({ id: i + 1, ...row }));
    return async () => { seen.rows += (await Inserted.bulkCreate(data, { updateOnDuplicate: ['score', 'bio'] })).length; };
  },
  'transaction of 5 statements': (operations, turn) => () => times(operations, transaction(turn)),
};
for (const [name, count] of [['1', 1], ['10', 10], ['100', 100], ['1,000', 1000], ['10,000', 10000]]) {
  workloads[`rows ${name}`] = simple(read(Person, count));
  workloads[`wide rows ${name}`] = simple(read(Wide, count));
  workloads[`insert ${name}`] = operations => {
    const data = rows(count);
    return () => times(operations, async () => { seen.rows += (await Inserted.bulkCreate(data)).length; });
  };
}
const waits = [];
for (const [name, tasks] of [['64 tasks', 64], ['1 task', 1]]) {
  workloads[`${name}, pool of 10`] = operations => () => Promise.all(Array.from({ length: tasks }, (_, task) => times(operations / tasks, async i => {
    const start = process.hrtime.bigint();
    await find(task * 7919 + i);
    waits.push(Number(process.hrtime.bigint() - start) / 1e3);
  })));
}

await sequelize.authenticate();
if (process.argv[3] === '--cold') {
  await Person.findByPk(1);
  process.exit(0);
}
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [name, operations, turn] = line.split('\t');
  const prepare = workloads[name];
  if (!prepare) {
    console.log('null');
    continue;
  }
  const work = await prepare(Number(operations), Number(turn));
  seen = { rows: 0, sum: 0 };
  waits.length = 0;
  const start = process.hrtime.bigint();
  await work();
  const time = Number(process.hrtime.bigint() - start) / 1e9;
  waits.sort((a, b) => a - b);
  const at = part => waits[Math.floor((waits.length - 1) * part)];
  console.log(JSON.stringify({ time, ...seen, latency: waits.length ? [at(0.5), at(0.99)] : null }));
}
await sequelize.close();
