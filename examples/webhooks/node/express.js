import express from 'express';
import { LARGEST_BODY, isCloudEvents, isOurs, receive } from './contoso.js';

const app = express();

app.options('/hook', (request, response) => {
  const origin = request.get('WebHook-Request-Origin');
  if (!origin) return response.status(405).set('Allow', 'POST').end();
  response.set({ 'WebHook-Allowed-Origin': origin, 'WebHook-Allowed-Rate': '*', Allow: 'POST' }).end();
});

// Before the body is read.
const verify = (request, response, next) => {
  if (!isOurs(request.headersDistinct['x-contoso-secret'])) return response.status(401).end();
  if (!isCloudEvents(request.get('Content-Type'))) return response.status(415).end();
  next();
};

// express.json() would pass over these media types, and take 100 kB at most.
const raw = express.raw({ type: () => true, limit: LARGEST_BODY, inflate: false });

app.post('/hook', verify, raw, (request, response) => {
  receive(request.body, request.get('aeg-subscription-name') ?? '');
  response.status(200).end();
});

// What express.raw refuses has a status, a body that is no event is 400, and all else is ours: 503 has it come again.
app.use((error, request, response, next) => {
  response.status(error.status ?? (error instanceof SyntaxError ? 400 : 503)).end();
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
