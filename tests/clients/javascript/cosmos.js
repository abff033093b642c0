import {endpoints} from "./suite.js";
