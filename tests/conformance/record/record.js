// node record.js OUT FILE..: plays scenario files with the real Sequelize and writes them, with the answers it gave, to OUT/AREA/NAME.json.
const { Sequelize, DataTypes, Op, Model } = require('sequelize');
const fs = require('fs'), path = require('path');
const out = process.argv[2], files = process.argv.slice(3);
const PG = process.env.SEQUOR_POSTGRES_URL, MY = process.env.SEQUOR_MYSQL_URL.replace('mysql://', 'mariadb://');
function type(text) {
  text = text.trim();
  let m = /^(\w+(?:\.\w+)?)(?:\((.*)\))?$/s.exec(text); if (!m) throw new Error('type ' + text);
  const [, name, inside] = m;
  if (name === 'ENUM') { const l = []; inside.replace(/'((?:[^']|'')*)'/g, (_, x) => l.push(x.replace(/''/g, "'"))); return DataTypes.ENUM(...l); }
  if (name === 'ARRAY') return DataTypes.ARRAY(type(inside));
  if (name === 'RANGE') return DataTypes.RANGE(type(inside));
  if (name === 'INTEGER.UNSIGNED') return DataTypes.INTEGER.UNSIGNED;
  if (inside !== undefined) return DataTypes[name](...inside.split(',').map(x => Number(x)));
  return DataTypes[name];
}
class Play {
  constructor(s, dialect, seq) { this.s = s; this.d = dialect; this.seq = seq; this.vars = {}; this.hooks = []; this.records = false; this.queries = 0; this.tx = undefined; this.params = null; }
  val(j) { // values
    if (j === null || typeof j !== 'object') return j;
    if (j instanceof Date || Buffer.isBuffer(j)) return j;
    if (Array.isArray(j)) return j.map(x => this.val(x));
    if ('$date' in j) return new Date(j.$date);
    if ('$bytes' in j) return Buffer.from(j.$bytes, 'base64');
    if ('$number' in j) return Number(j.$number);
    if ('$ref' in j) return this.ref(j.$ref);
    if ('$param' in j) return this.params ? this.params[j.$param] : undefined;
    if ('$fn' in j) return Sequelize.fn(j.$fn, ...(j.args || []).map(a => this.expr(a)));
    if ('$cast' in j) return Sequelize.cast(this.expr(j.$cast), j.type);
    const o = {}; for (const k of Object.keys(j)) o[k] = this.val(j[k]); return o;
  }
  expr(j) {
    if (j === null || typeof j !== 'object') return j;
    if (Array.isArray(j)) return j.map(x => this.expr(x));
    if ('fn' in j) return Sequelize.fn(j.fn, ...(j.args || []).map(a => this.expr(a)));
    if ('$fn' in j) return Sequelize.fn(j.$fn, ...(j.args || []).map(a => this.expr(a)));
    if ('col' in j) return Sequelize.col(j.col);
    if ('cast' in j) return Sequelize.cast(this.expr(j.cast), j.type);
    return this.val(j);
  }
  ref(r) {
    const m = /^(\w+)(?:\[(\d+)\])?(?:\.(\w+))?$/.exec(r); let v = this.vars[m[1]]; if (m[2] !== undefined) v = v[+m[2]];
    if (m[3]) return v.get(m[3]); return v;
  }
  where(j) {
    if (j === null || typeof j !== 'object' || j instanceof Date) return j;
    if (Array.isArray(j)) return j.map(x => this.where(x));
    if ('$date' in j || '$bytes' in j || '$number' in j || '$ref' in j || '$fn' in j || '$cast' in j || '$param' in j) return this.val(j);
    if ('$expr' in j) { const c = j.$cond; return Sequelize.where(this.expr(j.$expr), (c !== null && typeof c === 'object') ? this.where(c) : c); }
    const o = {};
    for (const k of Object.keys(j)) {
      if (k[0] === '$' && k[k.length - 1] !== '$') { const op = Op[k.slice(1)]; if (!op) throw new Error('op ' + k); o[op] = this.where(j[k]); }
      else o[k] = this.where(j[k]);
    }
    return o;
  }
  attr(a) {
    if (Array.isArray(a)) return [typeof a[0] === 'object' ? this.expr(a[0]) : a[0], a[1]];
    if (a && typeof a === 'object') { const { as, ...e } = a; return [this.expr(e), as]; }
    return a;
  }
  attrs(a) { if (Array.isArray(a)) return a.map(x => this.attr(x)); const o = {}; if (a.include) o.include = a.include.map(x => this.attr(x)); if (a.exclude) o.exclude = a.exclude; return o; }
  include(i, model) {
    if (Array.isArray(i)) return i.map(x => this.include(x));
    if (typeof i === 'string') return i;
    const o = {};
    for (const k of Object.keys(i)) {
      if (k === 'model') o.model = this.seq.models[i.model];
      else if (k === 'include') o.include = this.include(i.include);
      else if (k === 'through') { o.through = { ...i.through }; if (i.through.where) o.through.where = this.where(i.through.where); }
      else Object.assign(o, this.opts({ [k]: i[k] }));
    }
    return o;
  }
  opts(j) {
    const o = {};
    for (const k of Object.keys(j || {})) {
      const v = j[k];
      if (k === 'where' || k === 'having' || k === 'on') o[k] = this.where(v);
      else if (k === 'attributes') o[k] = this.attrs(v);
      else if (k === 'include') o[k] = this.include(Array.isArray(v) ? v : [v]);
      else if (k === 'order') o[k] = Array.isArray(v) ? v.map(e => Array.isArray(e) ? e.map(x => (x && typeof x === 'object') ? this.expr(x) : x) : (e && typeof e === 'object' ? this.expr(e) : e)) : v;
      else if (k === 'group') o[k] = Array.isArray(v) ? v.map(e => typeof e === 'object' ? this.expr(e) : e) : (typeof v === 'object' ? this.expr(v) : v);
      else if (k === 'isolationLevel') o[k] = v.replace('_', ' ').replace('_', ' ');
      else if (k === 'lock') o[k] = v === true ? true : v.replace(/_/g, ' ');
      else if (k === 'through' && v && v.where) o[k] = { ...v, where: this.where(v.where) };
      else if (k === 'dataType') o[k] = type(v);
      else if (k === 'model') o[k] = this.seq.models[v];
      else o[k] = this.val(v);
    }
    if (this.tx && !o.transaction) o.transaction = this.tx;
    return o;
  }
  define(m) {
    const attributes = {};
    for (const [n, d] of Object.entries(m.attributes)) {
      if (typeof d === 'string') { attributes[n] = type(d); continue; }
      const a = { ...d, type: type(d.type) };
      if (d.defaultValue && typeof d.defaultValue === 'object') {
        if ('$default' in d.defaultValue) a.defaultValue = DataTypes[d.defaultValue.$default];
        else a.defaultValue = this.val(d.defaultValue);
      }
      if (d.validate) { a.validate = {}; for (const [k, v] of Object.entries(d.validate)) a.validate[k] = v; }
      attributes[n] = a;
    }
    const options = { ...(m.options || {}) };
    const scopeOf = sc => { if (sc.$params) { const { $params, ...rest } = sc; return (...args) => { const old = this.params; this.params = Object.fromEntries($params.map((p, i) => [p, args[i]])); const o = this.opts(rest); delete o.transaction; this.params = old; return o; }; } const o = this.opts(sc); delete o.transaction; return o; };
    if (options.defaultScope) options.defaultScope = scopeOf(options.defaultScope);
    if (options.scopes) options.scopes = Object.fromEntries(Object.entries(options.scopes).map(([k, v]) => [k, scopeOf(v)]));
    if (options.indexes) options.indexes = options.indexes.map(i => i.where ? { ...i, where: this.where(i.where) } : i);
    const remove = options.removeId; delete options.removeId;
    const model = this.seq.define(m.name, attributes, options);
    if (remove) model.removeAttribute('id');
    for (const h of m.hooks || []) {
      this.records = true;
      const def = typeof h === 'string' ? { on: h } : h;
      model.addHook(def.on, (a, b) => {
        this.hooks.push(m.name + '.' + def.on);
        if (def.throw) throw new Error(def.throw);
        if (def.set) { if (Array.isArray(a)) a.forEach(x => x.set(this.val(def.set))); else if (a instanceof Model) a.set(this.val(def.set)); else { a.attributes = Object.assign(a.attributes || {}, this.val(def.set)); if (a.fields) a.fields = [...new Set([...a.fields, ...Object.keys(def.set)])]; } }
        if (def.where) { a.where = { [Op.and]: [a.where || {}, this.where(def.where)] }; }
      });
    }
    return model;
  }
  associate(a) {
    const { type: t, source, target, ...o } = a; const opt = { ...o };
    if (opt.through && typeof opt.through === 'object') opt.through = { ...opt.through, model: this.seq.models[opt.through.model] || opt.through.model };
    else if (opt.through && (this.s.models || []).some(m => m.name === opt.through)) opt.through = this.seq.models[opt.through];
    this.seq.models[source][t](this.seq.models[target], opt);
  }
  plain(v) {
    if (v === null || v === undefined) return null;
    if (v instanceof Model) { const o = {}; const dv = v.get({ plain: true }); return this.plain(dv); }
    if (v instanceof Date) return isNaN(v) ? 'Invalid date' : v.toISOString();
    if (Buffer.isBuffer(v)) return { $bytes: v.toString('base64') };
    if (typeof v === 'bigint') return v.toString();
    if (typeof v === 'number' && !isFinite(v)) return { $number: String(v) };
    if (Array.isArray(v)) return v.map(x => this.plain(x));
    if (v instanceof Sequelize.Utils.SequelizeMethod) return { fn: v.fn, args: v.args };
    if (typeof v === 'object') { const o = {}; for (const k of Object.keys(v)) if (v[k] !== undefined) o[k] = this.plain(v[k]); return o; }
    return v;
  }
  err(e) {
    const o = { class: e.name === "AssertionError" || e.name === "TypeError" ? "Error" : e.name };
    const item = i => ({ path: i.path, validatorKey: i.validatorKey, type: i.type, message: i.message });
    if (e.name === 'SequelizeValidationError' || e.name === 'SequelizeUniqueConstraintError') o.items = e.errors.map(item);
    if (e.name === 'SequelizeUniqueConstraintError') o.fields = (Array.isArray(e.fields) ? e.fields : Object.keys(e.fields || {})).slice().sort();
    if (e.name === 'AggregateError') o.errors = e.errors.map(x => ({ class: x.name, record: this.plain(x.record), errors: this.err(x.errors).error }));
    const info = { message: e.message }; if (e.parent && e.parent.code) info.code = e.parent.code;
    return { error: o, info };
  }
  model(st) { let m = this.seq.models[st.model]; if (!m) throw new Error('no model ' + st.model); if (st.unscoped) return m.unscoped(); if ('scope' in st) { const sc = this.val(st.scope); return Array.isArray(sc) ? m.scope(sc) : m.scope(sc); } return m; }
  async step(st) {
    this.hooks.length = 0; this.queries = 0; let a;
    try { a = await this.perform(st); } catch (e) { if (process.env.DEBUG) console.error(e); a = this.err(e); if (st.as) this.vars[st.as] = null; }
    a.sequelizeQueries = this.queries;
    if (this.records) a.hooks = this.hooks.slice();
    return a;
  }
  async perform(st) {
    const o = this.opts(st.options || {}), op = st.op, keep = v => { if (st.as) this.vars[st.as] = v; return v; };
    const loose = x => ({ ...x, loose: true }), P = v => this.plain(v);
    if (op.startsWith('instance.')) {
      const i = this.ref(st.on), v = st.values || st.set;
      switch (op.slice(9)) {
        case 'save': if (v) i.set(this.val(v)); await i.save(o); return loose({ row: P(i) });
        case 'set': i.set(this.val(v)); return loose({ row: P(i) });
        case 'update': await i.update(this.val(v), o); return loose({ row: P(i) });
        case 'reload': await i.reload(o); return loose({ row: P(i) });
        case 'restore': await i.restore(o); return loose({ row: P(i) });
        case 'get': return loose({ row: P(i) });
        case 'destroy': await i.destroy(o); return { done: true };
        case 'validate': await i.validate(o); return { done: true };
        case 'increment': case 'decrement': await i[op.slice(9)](st.fields, o); return { done: true };
        case 'changed': { const c = st.field ? i.changed(st.field) : i.changed(); return { value: Array.isArray(c) ? c.sort() : c }; }
        case 'previous': return { value: P(st.field ? i.previous(st.field) : i.previous()) };
        case 'getField': return { value: P(i.get(st.field)) };
        case 'isNewRecord': return { value: i.isNewRecord };
        case 'isSoftDeleted': return { value: i.isSoftDeleted() };
        case 'equals': return { value: i.equals(this.ref(st.other.$ref)) };
      }
      throw new Error('op ' + op);
    }
    if (op.startsWith('assoc.')) {
      const i = this.ref(st.on), as = i.constructor.associations[st.association]; if (!as) throw new Error('no association ' + st.association);
      const acc = as.accessors, many = !!as.isMultiAssociation, t = 'target' in st ? this.val(st.target) : undefined;
      switch (op.slice(6)) {
        case 'get': { const r = keep(await i[acc.get](o)); return many ? { rows: P(r), order: o.order ? 'rows' : 'none' } : { row: P(r) }; }
        case 'count': return { value: await i[acc.count](o) };
        case 'create': return loose({ row: P(keep(await i[acc.create](this.val(st.values || {}), o))) });
        case 'add': await i[Array.isArray(t) ? acc.addMultiple : acc.add](t, o); return { done: true };
        case 'set': await i[acc.set](t, o); return { done: true };
        case 'remove': await i[Array.isArray(t) ? acc.removeMultiple : acc.remove](t, o); return { done: true };
        case 'has': return { value: await i[Array.isArray(t) ? acc.hasAll : acc.hasSingle](t, o) };
      }
    }
    const m = st.model ? this.model(st) : null, ord = { order: st.compareOrder || (o.order ? 'rows' : 'none') };
    switch (op) {
      case 'findAll': return { rows: P(keep(await m.findAll(o))), ...ord };
      case 'findOne': return { row: P(keep(await m.findOne(o))) };
      case 'findByPk': return { row: P(keep(await m.findByPk(this.val(st.pk), o))) };
      case 'findAndCountAll': { const r = await m.findAndCountAll(o); keep(r.rows); return { rows: P(r.rows), count: P(r.count), ...ord }; }
      case 'count': return { value: P(await m.count(o)) };
      case 'sum': case 'min': case 'max': return { value: P(await m[op](st.field, o)) };
      case 'aggregate': return { value: P(await m.aggregate(st.field, st.fn, o)) };
      case 'create': return loose({ row: P(keep(await m.create(this.val(st.values), o))) });
      case 'build': return loose({ row: P(keep(m.build(this.val(st.values), o))) });
      case 'bulkBuild': return loose({ rows: P(keep(m.bulkBuild(this.val(st.values), o))), order: 'rows' });
      case 'bulkCreate': return loose({ rows: P(keep(await m.bulkCreate(this.val(st.values), o))), order: 'rows' });
      case 'upsert': { const [r, c] = await m.upsert(this.val(st.values), o); keep(r); return loose({ row: P(r), created: c }); }
      case 'findOrCreate': case 'findOrBuild': case 'findCreateFind': { if (st.options && st.options.defaults) o.defaults = this.val(st.options.defaults); const [r, c] = await m[op](o); keep(r); return loose({ row: P(r), created: c }); }
      case 'validate': await m.build(this.val(st.values)).validate(o); return { done: true };
      case 'update': { const r = await m.update(this.val(st.values), o); const a = { affected: r[0] }; if (r.length > 1) { a.affected = r[0]; if (Array.isArray(r[1])) { a.rows = P(r[1]); a.loose = true; a.order = 'none'; } } return a; }
      case 'destroy': return { affected: await m.destroy(o) };
      case 'restore': { await m.restore(o); return { done: true }; }
      case 'truncate': await m.truncate(o); return { done: true };
      case 'increment': case 'decrement': await m[op](st.fields, o); return { done: true };
      case 'sync': await (m || this.seq).sync(o); return { done: true };
      case 'drop': await (m || this.seq).drop(o); return { done: true };
      case 'parallel': { const answers = await Promise.all(st.steps.map(x => this.step(x))); return { steps: answers }; }
      case 'define': this.define(st.definition); (st.associations || []).forEach(a => this.associate(a)); return { done: true };
      case 'raw': { let sql = typeof st.sql === 'string' ? st.sql : (st.sql[this.d] || st.sql.default); if (o.type) o.type = Sequelize.QueryTypes[o.type]; if (o.model) o.mapToModel = true; const r = await this.seq.query(sql, o); if (o.plain) return { row: P(r) }; if (o.type === 'SELECT') return { rows: P(r), order: 'none' }; if (o.type === 'UPDATE' || o.type === 'BULKUPDATE') return { affected: Array.isArray(r) ? r[1] : r }; return { done: true }; }
      case 'transaction': {
        const outer = this.tx, answers = []; let outcome; const opt = { ...o }; delete opt.transaction; if (outer) opt.transaction = outer;
        const t = await this.seq.transaction(opt); this.tx = t; let failed = false;
        for (const inner of st.steps) { this.tx = inner.outside ? undefined : t; const a = await this.step(inner); answers.push(a); if (a.error && !inner.catch) { failed = true; break; } }
        this.tx = outer; this.hooks.length = 0;
        try { if (failed || st.end === 'rollback') { await t.rollback(); outcome = 'rolledBack'; } else { await t.commit(); outcome = 'committed'; } } catch (e) { outcome = 'rolledBack'; }
        return { steps: answers, outcome };
      }
      case 'showIndexes': { const l = await this.seq.getQueryInterface().showIndex(st.table); return { indexes: l.filter(i => !i.primary).map(i => ({ name: i.name, unique: i.unique, fields: i.fields.map(f => f.order === 'DESC' ? f.attribute + ' DESC' : f.attribute) })) }; }
      case 'describeTable': { const c = await this.seq.getQueryInterface().describeTable(st.table); const r = {}; for (const k of Object.keys(c)) { r[k] = { type: c[k].type, allowNull: c[k].allowNull, primaryKey: c[k].primaryKey }; if (c[k].defaultValue != null && !/nextval/.test(c[k].defaultValue)) r[k].defaultValue = c[k].defaultValue; } return { columns: r }; }
      case 'listTables': return { value: (await this.seq.getQueryInterface().showAllTables()).map(t => typeof t === 'string' ? t : t.tableName).sort() };
      case 'tableExists': return { value: await this.seq.getQueryInterface().tableExists(st.table) };
      case 'queryInterface': { const q = this.seq.getQueryInterface(); const args = st.args.map(a => this.val(a)); const defs = d => { const r = {}; for (const [k, v] of Object.entries(d)) r[k] = typeof v === 'string' ? type(v) : { ...v, type: type(v.type) }; return r; };
        if (st.method === 'createTable') args[1] = defs(args[1]); if (st.method === 'addColumn' || st.method === 'changeColumn') args[2] = typeof args[2] === 'string' ? type(args[2]) : { ...args[2], type: type(args[2].type) };
        if (st.method === 'addConstraint' || st.method === 'addIndex') { if (args[1].where) args[1].where = this.where(args[1].where); }
        if (st.method === 'bulkDelete') args[1] = this.where(args[1]); if (st.method === 'bulkUpdate') args[2] = this.where(args[2]);
        await q[st.method](...args); return { done: true }; }
    }
    throw new Error('unknown op ' + op);
  }
}
let n = 0;
async function play(s, dialect) {
  const name = 'rec_' + process.pid + '_' + (n++);
  if (dialect === 'sqlite') return playOn(s, dialect, new Sequelize({ dialect: 'sqlite', storage: ':memory:', logging: false, ...(s.sequelize || {}) }));
  const url = dialect === 'postgres' ? PG : MY;
  const admin = new Sequelize(url, { logging: false });
  await admin.query(dialect === 'postgres' ? `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0` : `CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`);
  const u = new URL(url); u.pathname = '/' + name;
  const seq = new Sequelize(u.toString(), { logging: false, ...(s.sequelize || {}), dialectOptions: dialect === 'mariadb' ? { charset: 'utf8mb4' } : {} });
  try { return await playOn(s, dialect, seq); } finally { await admin.query(dialect === 'postgres' ? `DROP DATABASE ${name} WITH (FORCE)` : `DROP DATABASE ${name}`); await admin.close(); }
}
async function playOn(s, dialect, seq) {
  const p = new Play(s, dialect, seq); seq.options.logging = sql => { p.queries++; };
  try {
    if (dialect === 'postgres') { for (const e of ['citext', 'hstore']) await seq.query(`CREATE EXTENSION IF NOT EXISTS ${e}`).catch(() => { }); }
    let d = 0; try { (s.models || []).forEach(m => p.define(m)); (s.associations || []).forEach(a => p.associate(a)); if (s.sync !== false) await seq.sync(); } catch (e) { console.error('PREPARE', s.name, dialect, e.message); throw e; }
    for (const seed of s.seed || []) for (const row of seed.rows) await seq.models[seed.model].unscoped().create(p.val(row), { hooks: false, validate: false, ...(seed.options || {}) });
    p.hooks.length = 0;
    const answers = []; for (const st of s.steps) answers.push(await p.step(st));
    return answers;
  } finally { await seq.close(); }
}
const TS = /^(\d{4}-\d\d-\d\dT[\d:.]+Z)$/;
function mask(a, keep, start, given) { if (a === null || typeof a !== 'object') { if (typeof a === 'string' && today(a, given, start)) return '<today>'; if (!keep && typeof a === 'string' && TS.test(a) && Math.abs(new Date(a) - start) < 600000) return '<timestamp>'; return a; } if (Array.isArray(a)) return a.map(x => mask(x, keep, start, given)); const o = {}; for (const k of Object.keys(a)) o[k] = mask(a[k], keep, start, given); return o; }
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const today = (a, given, start) => !given.includes(a) && [start, Date.now()].some(t => new Date(t).toISOString().slice(0, 10) === a);
function uuids(a, given, seen) { if (typeof a === 'string' && UUID.test(a) && !given.includes(a)) { if (!seen.has(a)) seen.set(a, '<uuid:' + (seen.size + 1) + '>'); return seen.get(a); } if (a === null || typeof a !== 'object') return a; if (Array.isArray(a)) return a.map(x => uuids(x, given, seen)); const o = {}; for (const k of Object.keys(a)) o[k] = uuids(a[k], given, seen); return o; }
const same = (a, b) => JSON.stringify({ ...a, sequelizeQueries: 0, info: 0 }) === JSON.stringify({ ...b, sequelizeQueries: 0, info: 0 });
(async () => {
  for (const f of files) {
    const list = JSON.parse(fs.readFileSync(f)); 
    for (const s of Array.isArray(list) ? list : [list]) {
      const dialects = (s.dialects || ['postgres', 'mariadb', 'sqlite']); const start = Date.now(); const got = {}; const given = JSON.stringify([s.steps, s.seed || [], s.models || []]);
      try { for (const d of dialects) { const seen = new Map(); got[d] = (await play(s, d)).map(a => uuids(mask(a, s.keepTimestamps, start, given), given, seen)); } } catch (e) { console.error('FAILED', s.name, e.message); continue; }
      s.dialects = dialects; s.expect = got[dialects[0]]; s.expectByDialect = {};
      for (const d of dialects.slice(1)) got[d].forEach((a, i) => { if (!same(a, s.expect[i])) (s.expectByDialect[d] ||= {})[i] = a; });
      fs.mkdirSync(path.join(out, s.area), { recursive: true });
      if (!Object.keys(s.expectByDialect).length) delete s.expectByDialect;
      fs.writeFileSync(path.join(out, s.area, s.name + '.json'), JSON.stringify(s, null, 1));
    }
  }
  process.exit(0);
})();
